import { createTestDatabase } from '@reactor/testing';
import {
  argumentNames,
  type CallInput,
  type ChangeOptions,
  type InsertOptions,
  type Plan,
  type PlanRow,
  planCall,
  planDelete,
  planInsert,
  planPut,
  planRead,
  planUpdate,
  type ReadOptions,
} from '../../src/plan/index.js';
import { parseCallRequest, parseReadRequest, parseRows, parseWriteRequest } from '../../src/query/index.js';
import { introspect } from '../../src/schema/introspect.js';
import type { SchemaModel } from '../../src/schema/model.js';

/** A database whose requests are planned and run, without anything in between. */
export interface Planned {
  readonly model: SchemaModel;
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  run(plan: Plan): Promise<PlanRow>;
  /** @param url `films?select=title`, encoded or not. Returns the body, parsed. */
  get(url: string, options?: ReadOptions): Promise<unknown>;
  row(url: string, options?: ReadOptions): Promise<PlanRow>;
  /** Rows come back unless `returning` is false. */
  post(url: string, body: unknown, options?: Partial<InsertOptions>): Promise<PlanRow>;
  patch(url: string, body: unknown, options?: Partial<ChangeOptions>): Promise<PlanRow>;
  put(url: string, body: unknown): Promise<PlanRow>;
  delete(url: string, options?: Partial<ChangeOptions>): Promise<PlanRow>;
  /** @param body the JSON of a POST; without it the query string has the arguments */
  call(url: string, body?: unknown, options?: ReadOptions): Promise<PlanRow>;
}

function split(url: string): readonly [name: string, parameters: URLSearchParams] {
  const [name = '', query = ''] = url.split('?', 2);
  return [name, new URLSearchParams(query)];
}

export async function planned(sql: string): Promise<Planned> {
  const { database } = await createTestDatabase();
  await database.query(`${sql}; ${SWITCH_ON}`);
  const model = await introspect(database, 'public');
  const run = async (plan: Plan) => {
    const { rows } = await database.query<PlanRow>(plan.text, plan.values);
    const [row] = rows;
    if (row === undefined || rows.length > 1) throw new Error(`a plan answers one row, not ${rows.length}`);
    return row;
  };
  const row = async (url: string, options?: ReadOptions) => {
    const [name, parameters] = split(url);
    return run(planRead(model, name, parseReadRequest(parameters), options));
  };
  const write = (url: string, body: unknown) => {
    const [name, parameters] = split(url);
    const query = parseWriteRequest(parameters);
    return { name, query, rows: parseRows(JSON.stringify(body), query.columns) };
  };
  return {
    model,
    query: async (text, values) => (await database.query(text, values)).rows,
    run,
    row,
    post: async (url, body, options) => {
      const { name, query, rows } = write(url, body);
      return run(planInsert(model, name, rows, query, { returning: true, ...options }));
    },
    patch: async (url, body, options) => {
      const { name, query, rows } = write(url, body);
      return run(planUpdate(model, name, rows, query, { returning: true, ...options }));
    },
    put: async (url, body) => {
      const { name, query, rows } = write(url, body);
      return run(planPut(model, name, rows, query, { returning: true }));
    },
    delete: async (url, options) => {
      const [name, parameters] = split(url);
      return run(planDelete(model, name, parseWriteRequest(parameters), { returning: true, ...options }));
    },
    call: async (url, body, options) => {
      const [name, parameters] = split(url);
      const names = body === undefined ? argumentNames(model, name) : new Set<string>();
      const { arguments: values, query } = parseCallRequest(parameters, names);
      const input: CallInput = body === undefined ? values : JSON.stringify(body);
      return run(planCall(model, name, input, query, options));
    },
    get: async (url, options) => JSON.parse((await row(url, options)).body ?? 'null'),
  };
}

/** Without row-level security a table is refused; the tests' login is its owner and sees all rows anyway. */
const SWITCH_ON = `DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
  END LOOP;
END $$`;
