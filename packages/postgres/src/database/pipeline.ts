import type { Statement } from '@reactor/core';
import type { Connection, PoolClient } from 'pg';
import { isNameClash } from './pooler.js';
import type { Column, PreparedStatement, PreparedStatements } from './prepared-statements.js';

interface Result {
  readonly rows: Record<string, unknown>[];
  readonly rowCount: number;
}

/** The driver's connection takes the messages one by one; its declared type wants arguments it does not read. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly statement: string; readonly values: readonly (string | null)[] }): void;
  describe(message: { readonly type: 'P'; readonly name: string }): void;
  execute(message: { readonly portal: string }): void;
  close(message: { readonly type: 'S'; readonly name: string }): void;
  sync(): void;
  sendCopyFail(message: string): void;
}

interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/** `INSERT 0 5`, `SELECT 5`, `BEGIN`. */
const ROW_COUNT = / (\d+)$/;

/**
 * Sends all statements and one Sync at once. PostgreSQL runs what stands before a Sync as one transaction, and skips the
 * rest of it after an error.
 * @param beforeRetry called when a prepared statement is not what it was taken for; then all is sent once more
 */
export async function runPipeline(
  client: PoolClient,
  prepared: PreparedStatements,
  statements: readonly Statement[],
  beforeRetry?: (error: unknown) => Promise<void>,
): Promise<readonly Result[]> {
  const pipeline = new Pipeline(client, prepared, statements);
  client.query(pipeline);
  try {
    const results = await pipeline.answered;
    for (const [key, statement] of pipeline.fresh) prepared.add(key, statement);
    return results;
  } catch (error) {
    prepared.discard(Array.from(pipeline.fresh.values(), ({ name }) => name));
    if (!isNameClash(error)) throw error;
    // DISCARD or DEALLOCATE ran on the connection, or a pooler gave us another one.
    prepared.clear();
    if (beforeRetry === undefined) throw error;
    await beforeRetry(error);
    return runPipeline(client, prepared, statements);
  }
}

/** What the driver takes for a query: it calls `submit`, and hands over the answers as they come. */
class Pipeline {
  /** Rejects with the first error. */
  readonly answered: Promise<readonly Result[]>;
  /** Prepared by this pipeline, by key; known to have worked once all of it has. */
  readonly fresh = new Map<string, PreparedStatement>();
  readonly #client: PoolClient;
  readonly #prepared: PreparedStatements;
  readonly #statements: readonly Statement[];
  /** Of each statement, where it is known what columns it answers. */
  readonly #known: (PreparedStatement | undefined)[] = [];
  readonly #results: Result[] = [];
  #columns: readonly Column[] = [];
  #rows: Record<string, unknown>[] = [];
  #resolve: (results: readonly Result[]) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(client: PoolClient, prepared: PreparedStatements, statements: readonly Statement[]) {
    this.#client = client;
    this.#prepared = prepared;
    this.#statements = statements;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire;
    // One packet instead of one for each message.
    wire.stream.cork();
    try {
      for (const name of this.#prepared.takeUnwanted()) wire.close({ type: 'S', name });
      for (const statement of this.#statements) this.#send(wire, statement);
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
    this.#expect();
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({
      name,
      read: this.#client.getTypeParser(dataTypeID, 'text'),
    }));
    const { prepareAs } = this.#statements[this.#results.length] ?? {};
    const fresh = prepareAs === undefined ? undefined : this.fresh.get(prepareAs);
    if (fresh !== undefined) fresh.columns = this.#columns;
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    try {
      this.#rows.push(readRow(this.#columns, fields));
    } catch (error) {
      // Thrown on, it would end the process.
      this.#reject(error);
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#results.push({ rows: this.#rows, rowCount: Number(ROW_COUNT.exec(text)?.[1] ?? 0) });
    this.#expect();
  }

  /** The text of the statement was empty. */
  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  /** PostgreSQL waits for rows, and has passed over our Sync while it does. */
  handleCopyInResponse(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.sendCopyFail('a pipeline has no rows to copy');
    wire.sync();
  }

  handleCopyData(): void {}

  handleError(error: unknown): void {
    if (error instanceof Error) {
      Object.defineProperty(error, 'failedStatement', { value: this.#statements[this.#results.length] });
    }
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#results);
  }

  /** The answer of the next statement. */
  #expect(): void {
    this.#rows = [];
    this.#columns = this.#known[this.#results.length]?.columns ?? [];
  }

  #send(wire: Wire, { text, values = [], prepareAs }: Statement): void {
    const key = this.#prepared.keeps ? prepareAs : undefined;
    const known = key === undefined ? undefined : this.#prepared.find(key);
    this.#known.push(known);
    const { name } = known ?? this.#parse(wire, text, key);
    wire.bind({ statement: name, values });
    // What a prepared statement answers never changes: PostgreSQL refuses to run it then.
    if (known === undefined) wire.describe({ type: 'P', name: '' });
    wire.execute({ portal: '' });
  }

  #parse(wire: Wire, text: string, key: string | undefined): PreparedStatement {
    const earlier = key === undefined ? undefined : this.fresh.get(key);
    if (earlier !== undefined) return earlier;
    const statement = { name: key === undefined ? '' : this.#prepared.newName(), columns: [] };
    wire.parse({ name: statement.name, text });
    if (key !== undefined) this.fresh.set(key, statement);
    return statement;
  }
}

function readRow(columns: readonly Column[], fields: readonly (string | null)[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let index = 0; index < columns.length; index++) {
    const { name, read } = columns[index] as Column;
    const text = fields[index] ?? null;
    row[name] = text === null ? null : read(text);
  }
  return row;
}
