import { recordingLogger } from '@reactor/testing';
import { expect, test, vi } from 'vitest';
import { createTestData } from '../support/data.js';

const TABLE = `
  CREATE TABLE t (id int PRIMARY KEY);
  ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY anybody ON t USING (true);
  INSERT INTO t VALUES (1);
  DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change;
`;

/** Comments of more text than a reading takes. */
const TOO_LARGE = `DO $$ BEGIN
  CREATE TABLE large (id int);
  FOR i IN 1..70 LOOP
    EXECUTE format('ALTER TABLE large ADD c%s int', i);
    EXECUTE format('COMMENT ON COLUMN large.c%s IS %L', i, repeat('x', 1000000));
  END LOOP;
END $$`;

async function setUp(sql: string) {
  const { logger, lines } = recordingLogger();
  const errors = () =>
    lines.filter(({ level }) => level === 'error').map(({ message, fields }) => [message, fields.reason]);
  const data = await createTestData(sql, { logger });
  const probe = async () => {
    const found = data.data.probes.find(({ name }) => name === 'schema_cache');
    return found?.run(AbortSignal.timeout(20_000));
  };
  const reloads = async () => {
    const family = data.data.metrics.families.find(({ name }) => name === 'reactor_data_schema_reloads_total');
    const samples = (await family?.get())?.values ?? [];
    return Object.fromEntries(samples.map(({ labels, value }) => [String(labels.result), value]));
  };
  const ask = async (path: string) => {
    const answer = await data.as('alice')('GET', path);
    return [answer.status, answer.headers.get('Retry-After'), await answer.json()];
  };
  return { ...data, errors, probe, reloads, ask };
}

const UNREADABLE = [
  'schema could not be read',
  expect.stringMatching(/^the relations of the schema public are \d+ bytes/),
];

test('a schema that can no longer be read leaves the one before in force', async () => {
  const { database, as, errors, probe, reloads, ask } = await setUp(TABLE);
  await database.query(TOO_LARGE);
  expect((await as('admin')('POST', '/_admin/reload')).status).toBe(503);
  expect(await ask('/t')).toEqual([200, null, [{ id: 1 }]]);
  expect(await ask('/large')).toEqual([503, '1', expect.objectContaining({ code: 'PGRST002' })]);
  expect(errors()[0]).toEqual(UNREADABLE);
  expect(await reloads()).toEqual({ ok: expect.any(Number), failed: expect.any(Number) });
  expect((await reloads()).failed).toBeGreaterThan(0);
  expect(await probe()).toEqual({
    status: 'fail',
    code: 'schema_unreadable',
    message: expect.stringMatching(/the one read \d+ s ago stays in force: the relations of the schema public are/),
    remedy: expect.stringContaining('/_admin/reload'),
  });
  await database.query('DROP TABLE large; CREATE TABLE small (id int)');
  // Nobody says so: it is tried again by itself.
  await vi.waitFor(async () => expect(await probe()).toMatchObject({ status: 'ok' }), { timeout: 20_000 });
  expect(await ask('/small')).toEqual([403, null, expect.objectContaining({ code: '42501' })]);
});

test('a start with a schema that cannot be read is a start, which serves tables as soon as they can be', async () => {
  const { database, errors, probe, ask } = await setUp(`${TABLE}; ${TOO_LARGE}`);
  expect(errors()[0]).toEqual(UNREADABLE);
  expect(await ask('/t')).toEqual([503, '1', expect.objectContaining({ code: 'PGRST002' })]);
  expect(await ask('/')).toEqual([503, '1', expect.objectContaining({ code: 'PGRST002' })]);
  expect(await probe()).toMatchObject({ status: 'fail', message: expect.stringContaining('no table is served') });
  await database.query('DROP TABLE large');
  await vi.waitFor(async () => expect(await ask('/t')).toEqual([200, null, [{ id: 1 }]]), { timeout: 20_000 });
  expect(await probe()).toMatchObject({ status: 'ok' });
});
