import type { Statement } from '@reactor/core';
import { type Connection, DatabaseError, type PoolClient, Query } from 'pg';
import type { PreparedStatements } from './prepared-statements.js';

interface Result {
  readonly rows: Record<string, unknown>[];
  readonly rowCount: number | null;
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
}

/** "No such prepared statement": somebody ran DISCARD or DEALLOCATE on the connection. */
const INVALID_STATEMENT_NAME = '26000';

/**
 * Sends all statements and one Sync at once. PostgreSQL runs what stands before a Sync as one transaction, and skips the
 * rest of it after an error.
 */
export async function runPipeline(
  client: PoolClient,
  prepared: PreparedStatements,
  statements: readonly Statement[],
): Promise<readonly Result[]> {
  const pipeline = new Pipeline(prepared, statements);
  const ended = new Promise<Result | Result[]>((resolve, reject) => {
    pipeline.once('end', resolve as (result: unknown) => void);
    pipeline.once('error', reject);
  });
  client.query(pipeline);
  try {
    const results = [await ended].flat();
    for (const [key, name] of pipeline.fresh) prepared.add(key, name);
    return results;
  } catch (error) {
    prepared.discard([...pipeline.fresh.values()]);
    if (error instanceof DatabaseError && error.code === INVALID_STATEMENT_NAME) prepared.clear();
    throw error;
  }
}

/** The driver's query, which collects the results of any number of statements, with more than one to send. */
class Pipeline extends Query {
  /** Prepared by this pipeline, by key; known to have worked once all of it has. */
  readonly fresh = new Map<string, string>();

  constructor(prepared: PreparedStatements, statements: readonly Statement[]) {
    super('');
    this.submit = (connection: Connection) => {
      const wire = connection as unknown as Wire;
      // One packet instead of one for each message.
      wire.stream.cork();
      try {
        for (const name of prepared.takeUnwanted()) wire.close({ type: 'S', name });
        for (const statement of statements) this.#send(wire, prepared, statement);
        wire.sync();
      } finally {
        wire.stream.uncork();
      }
    };
  }

  #send(wire: Wire, prepared: PreparedStatements, { text, values = [], prepareAs }: Statement): void {
    let name = prepareAs === undefined ? '' : (prepared.find(prepareAs) ?? this.fresh.get(prepareAs));
    if (name === undefined || name === '') {
      name = prepareAs === undefined ? '' : prepared.newName();
      wire.parse({ name, text });
      if (prepareAs !== undefined) this.fresh.set(prepareAs, name);
    }
    wire.bind({ statement: name, values });
    wire.describe({ type: 'P', name: '' });
    wire.execute({ portal: '' });
  }
}
