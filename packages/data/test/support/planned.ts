import { createTestDatabase } from '@reactor/testing';
import { onTestFinished } from 'vitest';
import { type Plan, type PlanRow, planRead, type ReadOptions } from '../../src/plan/index.js';
import { parseReadRequest } from '../../src/query/index.js';
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
}

export async function planned(sql: string): Promise<Planned> {
  const { database, drop } = await createTestDatabase();
  onTestFinished(drop);
  await database.query(`${sql}; ${SWITCH_ON}`);
  const model = await introspect(database, 'public');
  const run = async (plan: Plan) => {
    const { rows } = await database.query<PlanRow>(plan.text, plan.values);
    const [row] = rows;
    if (row === undefined || rows.length > 1) throw new Error(`a plan answers one row, not ${rows.length}`);
    return row;
  };
  const row = (url: string, options?: ReadOptions) => {
    const [relation = '', query = ''] = url.split('?', 2);
    return run(planRead(model, relation, parseReadRequest(new URLSearchParams(query)), options));
  };
  return {
    model,
    query: async (text, values) => (await database.query(text, values)).rows,
    run,
    row,
    get: async (url, options) => JSON.parse((await row(url, options)).body ?? 'null'),
  };
}

/** Without row-level security a table is refused; the tests' login is its owner and sees all rows anyway. */
const SWITCH_ON = `DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
  END LOOP;
END $$`;
