import { silentLogger, systemClock } from '@reactor/core';
import { packageVersion } from '@reactor/core/node';
import { openDatabase } from '@reactor/postgres';
import { expect, onTestFinished, test } from 'vitest';
import { createData, parseDataConfig } from '../../src/index.js';
import { createTestData, jsonBody, refusal } from '../support/data.js';
import { testTokens } from '../support/tokens.js';

const version = packageVersion(new URL('../../package.json', import.meta.url));

const TABLE = `CREATE TABLE health (id int PRIMARY KEY, pulse int); ALTER TABLE health ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON health USING (true) WITH CHECK (true); INSERT INTO health VALUES (1, 60)`;

test('GET /health says whether data can serve, to anybody', async () => {
  const { as } = await createTestData('SELECT 1');
  const healthy = await as(undefined)('GET', '/health');
  expect([healthy.status, await healthy.json()]).toEqual([200, { status: 'ok', version }]);
  expect((await as(undefined)('HEAD', '/health')).status).toBe(200);
  expect((await as('nobody')('GET', '/health')).status).toBe(200);

  const context = { logger: silentLogger, clock: systemClock, tokens: testTokens };
  const nowhere = openDatabase({ connectionString: 'postgresql://nobody@127.0.0.1:1/none', ...context });
  onTestFinished(() => nowhere.close());
  const ill = await createData(parseDataConfig({}), { ...context, database: nowhere }).routes.request('/health');
  expect([ill.status, await ill.json()]).toEqual([
    503,
    { status: 'error', version, reason: 'the database does not answer' },
  ]);
});

test('a table of that name is read by naming its schema, and written as every other', async () => {
  const { as } = await createTestData(TABLE);
  const alice = as('alice');
  const read = (headers: Record<string, string> = {}) => alice('GET', '/health?select=pulse', { headers });
  expect(await (await read()).json()).toMatchObject({ status: 'ok' });
  expect((await alice('POST', '/health', jsonBody({ id: 2, pulse: 70 }))).status).toBe(201);
  expect((await alice('PATCH', '/health?id=eq.1', jsonBody({ pulse: 61 }))).status).toBe(204);
  const rows = await read({ 'Accept-Profile': 'public' });
  expect([rows.status, await rows.json()]).toEqual([200, [{ pulse: 70 }, { pulse: 61 }]]);
  expect(
    (await alice('HEAD', '/health', { headers: { 'Accept-Profile': 'public' } })).headers.get('Content-Range'),
  ).toBe('0-1/*');
  expect(await refusal(await read({ 'Accept-Profile': 'secret' }))).toBe('406 PGRST106 schema_not_exposed');
});
