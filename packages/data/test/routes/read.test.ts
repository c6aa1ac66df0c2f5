import { ALICE, BOB } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { createTestData, refusal } from '../support/data.js';

const NOTES = `
  CREATE TABLE authors (id int PRIMARY KEY, name text);
  ALTER TABLE authors ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON authors FOR SELECT USING (true);
  CREATE TABLE notes (id int PRIMARY KEY, owner uuid, author int REFERENCES authors, title text, n int);
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes FOR SELECT USING (owner = (SELECT auth.user_id()));
  CREATE TABLE open (id int);
  INSERT INTO authors VALUES (1, 'Ann'), (2, 'Ben');
  INSERT INTO notes SELECT g, CASE WHEN g % 2 = 0 THEN '${ALICE}'::uuid ELSE '${BOB}' END, 1 + g % 2, 'note ' || g,
    nullif(g, 4) FROM generate_series(1, 20) g;
  ANALYZE;
`;

// Shared by the tests that only read.
const { as } = await createTestData(NOTES);

describe('GET', () => {
  test('answers the rows that policies leave to the caller', async () => {
    const ids = async (token: string | undefined) => {
      const answer = await as(token)('GET', '/notes?select=id&order=id&limit=3');
      expect(answer.status).toBe(200);
      return answer.json();
    };
    expect(await ids('alice')).toEqual([{ id: 2 }, { id: 4 }, { id: 6 }]);
    expect(await ids('bob')).toEqual([{ id: 1 }, { id: 3 }, { id: 5 }]);
    expect(await ids(undefined)).toEqual([]);
    expect(await ids('admin')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });

  test('filters, selects and embeds', async () => {
    const answer = await as('alice')('GET', '/notes?select=title,author:authors(name)&id=gt.4&id=lt.7');
    expect(await answer.json()).toEqual([{ title: 'note 6', author: { name: 'Ann' } }]);
    expect(answer.headers.get('Content-Type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('Content-Range')).toBe('0-0/*');
    expect(answer.headers.get('Cache-Control')).toContain('no-store');
  });

  test('says which rows an answer holds, and of how many', async () => {
    const { as } = await createTestData(NOTES, { config: { defaultLimit: 4, maxLimit: 8 } });
    const get = async (query: string, headers: Record<string, string> = {}) => {
      const answer = await as('alice')('GET', `/notes?select=id&order=id${query}`, { headers });
      return [answer.status, answer.headers.get('Content-Range'), ((await answer.json()) as unknown[]).length];
    };
    const exact = { Prefer: 'count=exact' };
    expect(await get('')).toEqual([200, '0-3/*', 4]);
    expect(await get('&limit=100')).toEqual([200, '0-7/*', 8]);
    expect(await get('', exact)).toEqual([206, '0-3/10', 4]);
    expect(await get('&limit=0', exact)).toEqual([206, '*/10', 0]);
    expect(await get('&offset=8', exact)).toEqual([206, '8-9/10', 2]);
    expect(await get('&offset=10', exact)).toEqual([206, '*/10', 0]);
    expect(await get('', { Range: '2-3', ...exact })).toEqual([206, '2-3/10', 2]);
    expect(await get('&limit=1', { Range: 'items=2-3' })).toEqual([200, '2-3/*', 2]);
    expect(await get('', { Range: '7-' })).toEqual([200, '7-9/*', 3]);
    expect(await get('', { Range: 'bytes=7-' })).toEqual([200, '0-3/*', 4]);
    expect(await get('&id=lt.5', exact)).toEqual([200, '0-1/2', 2]);
    expect(await get('&id=lt.0', exact)).toEqual([200, '*/0', 0]);
    expect((await get('', { Prefer: 'count=planned' }))[1]).toMatch(/^0-3\/\d+$/);
    expect((await get('', { Prefer: 'count=estimated' }))[1]).toMatch(/^0-3\/\d+$/);
  });

  test('refuses ranges that lie outside', async () => {
    const past = await as('alice')('GET', '/notes?offset=11', { headers: { Prefer: 'count=exact' } });
    expect(past.headers.get('Content-Range')).toBe('*/10');
    expect(await refusal(past)).toBe('416 PGRST103 range_not_satisfiable');
    const backwards = await as('alice')('GET', '/notes', { headers: { Range: '3-2' } });
    expect(await refusal(backwards)).toBe('416 PGRST103 range_not_satisfiable');
  });

  test('answers one object, or 406', async () => {
    const headers = { Accept: 'application/vnd.pgrst.object+json' };
    const one = await as('alice')('GET', '/notes?id=eq.2&select=id', { headers });
    expect([one.status, await one.json()]).toEqual([200, { id: 2 }]);
    expect(one.headers.get('Content-Type')).toBe('application/vnd.pgrst.object+json; charset=utf-8');
    const none = await as('alice')('GET', '/notes?id=eq.1', { headers });
    expect(await none.clone().json()).toMatchObject({ details: 'The result contains 0 rows' });
    expect(await refusal(none)).toBe('406 PGRST116 not_one_row');
    expect(await refusal(await as('alice')('GET', '/notes', { headers }))).toBe('406 PGRST116 not_one_row');
  });

  test('answers CSV, and JSON without nulls', async () => {
    const get = (Accept: string) =>
      as('alice')('GET', '/notes?id=in.(2,4)&select=id,n&order=id', { headers: { Accept } });
    const csv = await get('text/csv');
    expect(csv.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    expect((await csv.text()).trim()).toBe('id,n\n2,2\n4,');
    const stripped = await get('application/vnd.pgrst.array+json;nulls=stripped');
    expect(await stripped.json()).toEqual([{ id: 2, n: 2 }, { id: 4 }]);
    expect(await refusal(await get('text/html'))).toBe('406 PGRST107 not_acceptable');
  });

  test('answers plans only where they are enabled', async () => {
    const headers = { Accept: 'application/vnd.pgrst.plan+json' };
    const off = await createTestData(NOTES);
    expect(await refusal(await off.as('alice')('GET', '/notes', { headers }))).toBe('406 PGRST107 not_acceptable');
    const on = await createTestData(NOTES, { config: { planEnabled: true } });
    const json = await on.as('alice')('GET', '/notes', { headers });
    expect(json.headers.get('Content-Type')).toBe('application/vnd.pgrst.plan+json; charset=utf-8');
    expect(await json.json()).toEqual([{ Plan: expect.objectContaining({ 'Plan Rows': 1 }) }]);
    const text = await on.as('alice')('GET', '/notes', {
      headers: { Accept: 'application/vnd.pgrst.plan; options=analyze' },
    });
    expect(await text.text()).toMatch(/^Aggregate .*actual/);
  });

  test('says what is wrong', async () => {
    const get = async (path: string, headers = {}) => refusal(await as('alice')('GET', path, { headers }));
    expect(await get('/nothing')).toBe('404 PGRST205 table_not_found');
    expect(await get('/notes?nothing=eq.1')).toBe('400 42703 column_not_found');
    expect(await get('/notes?select=nothing')).toBe('400 42703 column_not_found');
    expect(await get('/notes?select=open(*)')).toMatch(/^40[03] /);
    expect(await get('/notes?id=1')).toBe('400 PGRST100 invalid_query');
    expect(await get('/notes?id=eq.one')).toBe('400 22P02 invalid_value');
    expect(await get('/notes?limit=-1')).toBe('400 PGRST100 invalid_query');
    expect(await get('/notes', { Range: 'x' })).toBe('400 PGRST100 invalid_query');
    expect(await get('/notes', { Prefer: 'count=all' })).toBe('400 PGRST122 invalid_query');
    expect(await get('/open')).toBe('403 42501 row_security_off');
    expect(await refusal(await as('eve')('GET', '/notes'))).toBe('401 PGRST301 invalid_token');
    expect(await refusal(await as('alice')('GET', '/%ff'))).toBe('400 PGRST100 invalid_request');
  });

  test('lets the operator read what has no row-level security', async () => {
    expect((await as('admin')('GET', '/open')).status).toBe(200);
  });
});

test('HEAD answers the headers', async () => {
  const answer = await as('alice')('HEAD', '/notes', { headers: { Prefer: 'count=exact' } });
  expect([answer.status, answer.headers.get('Content-Range'), await answer.text()]).toEqual([200, '0-9/10', '']);
  expect((await as('alice')('HEAD', '/nothing')).status).toBe(404);
});

test('other methods are named', async () => {
  const options = await as(undefined)('OPTIONS', '/notes');
  expect([options.status, options.headers.get('Allow')]).toEqual([204, 'GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS']);
  const brew = await as('alice')('BREW', '/notes');
  expect(brew.headers.get('Allow')).toContain('PATCH');
  expect(await refusal(brew)).toBe('405 PGRST117 method_not_allowed');
  expect(await refusal(await as('alice')('DELETE', '/rpc/f'))).toBe('405 PGRST117 method_not_allowed');
});
