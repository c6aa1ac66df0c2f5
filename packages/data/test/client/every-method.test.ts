import { listen } from '@reactor/testing';
import { PostgrestClient, PostgrestFilterBuilder, PostgrestQueryBuilder } from '@supabase/postgrest-js';
import { expect, type MockInstance, test, vi } from 'vitest';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';
import type { Case, MethodName } from './cases/case.js';
import { filters } from './cases/filters.js';
import { queries } from './cases/queries.js';
import { transforms } from './cases/transforms.js';

const SCHEMA = `${CINEMA}
CREATE FUNCTION add_them(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION total(list int[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT sum(n) FROM unnest(list) n';
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION made_in(lang text) RETURNS SETOF films LANGUAGE sql STABLE AS 'SELECT * FROM films WHERE language = lang';
CREATE FUNCTION keys_of(info jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS 'SELECT jsonb_object_keys(info)';
CREATE TABLE weather (calm boolean NOT NULL);
ALTER TABLE weather ENABLE ROW LEVEL SECURITY;
CREATE POLICY anybody ON weather USING (true);
INSERT INTO weather VALUES (false);
CREATE FUNCTION conflict() RETURNS text LANGUAGE plpgsql STABLE AS $$
  BEGIN
    IF NOT (SELECT calm FROM weather) THEN RAISE serialization_failure; END IF;
    RETURN 'fair';
  END $$;
`;

const CLASSES = {
  client: PostgrestClient.prototype,
  query: PostgrestQueryBuilder.prototype,
  filter: PostgrestFilterBuilder.prototype,
} as const;

async function setUp() {
  const { app, database } = await createTestData(SCHEMA, { config: { planEnabled: true } });
  const url = `${(await listen(app)).url}/data/v1`;
  const requests: Headers[] = [];
  let beforeRetry = async () => {};
  const client = new PostgrestClient(url, {
    headers: { Authorization: 'Bearer alice' },
    fetch: async (input, init) => {
      const headers = new Headers(init?.headers);
      requests.push(headers);
      if (headers.has('X-Retry-Count')) await beforeRetry();
      return fetch(input, init);
    },
  });
  const onRetry = (work: () => Promise<void>) => {
    beforeRetry = work;
  };
  return { client, database, requests, onRetry };
}

/** Runs the cases one after the other. The methods that a case names must really be called. */
async function expectCases(client: PostgrestClient, cases: readonly Case[]): Promise<void> {
  for (const { uses, run, answer } of cases) {
    const spies = uses.map((name) => spyOn(name));
    const text = run.toString();
    const result = await run(client);
    expect({ text, result, called: spies.map(({ mock }) => mock.calls.length > 0) }).toMatchObject({
      text,
      result: answer,
      called: uses.map(() => true),
    });
    for (const spy of spies) spy.mockRestore();
  }
}

function spyOn(name: MethodName): MockInstance {
  const [owner, method] = name.split('.') as [keyof typeof CLASSES, never];
  return vi.spyOn(CLASSES[owner], method);
}

test('filters', async () => {
  const { client } = await setUp();
  await expectCases(client, filters);
});

test('shapes of the answer', async () => {
  const { client } = await setUp();
  await expectCases(client, transforms);
});

test('reads, calls and writes', async () => {
  const { client } = await setUp();
  await expectCases(client, queries);
});

test('none of the methods is left out above', () => {
  const used = new Set<string>([...filters, ...transforms, ...queries].flatMap(({ uses }) => uses));
  expect(everyMethod().filter((name) => !used.has(name))).toEqual([]);
  expect([...used].filter((name) => !everyMethod().includes(name as MethodName))).toEqual([]);
});

test('what may go better the next time is tried again', async () => {
  const { client, database, requests, onRetry } = await setUp();
  onRetry(async () => {
    await database.query('UPDATE weather SET calm = true');
  });
  const { data, status } = await client.rpc('conflict', {}, { get: true });
  expect([status, data]).toEqual([200, 'fair']);
  expect(requests.map((headers) => headers.get('X-Retry-Count'))).toEqual([null, '1']);
});

/** All that a caller can reach, inherited or not. */
function everyMethod(): MethodName[] {
  return Object.entries(CLASSES).flatMap(([owner, prototype]) => {
    const names = new Set<string>();
    for (let at: object = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    }
    names.delete('constructor');
    return [...names].map((name) => `${owner}.${name}` as MethodName);
  });
}
