import { expect, test } from 'vitest';
import { expectAnswers, ids, type Row } from '../support/answers.js';
import { createTestData } from '../support/data.js';

const TABLE = `
  CREATE TABLE items (id int PRIMARY KEY);
  ALTER TABLE items ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON items USING (true);
  INSERT INTO items SELECT generate_series(1, 15);
  CREATE FUNCTION few() RETURNS SETOF items LANGUAGE sql STABLE AS 'SELECT * FROM items WHERE id < 6';
  ANALYZE items;
`;

/** What a GET of items answers: status, Content-Range and rows. */
const page = (query: string, headers: Record<string, string>, status: number, range: string, rows: unknown): Row => [
  `GET /items?order=id${query}`,
  [status, range, rows],
  { headers, show: ['status', 'Content-Range'] },
];

const exact = { Prefer: 'count=exact' };

// Shared by the tests that only read.
const data = await createTestData(TABLE);

test('limit, offset and Range', async () => {
  await expectAnswers(data, [
    page('&limit=2', {}, 200, '0-1/*', ids(1, 2)),
    page('&limit=2&offset=13', {}, 200, '13-14/*', ids(14, 15)),
    page('&offset=14', {}, 200, '14-14/*', ids(15)),
    page('&offset=99', {}, 200, '*/*', []),
    page('&limit=0', {}, 200, '*/*', []),
    page('', { Range: '0-1' }, 200, '0-1/*', ids(1, 2)),
    page('', { Range: '13-', 'Range-Unit': 'items' }, 200, '13-14/*', ids(14, 15)),
    page('', { Range: '13-99' }, 200, '13-14/*', ids(14, 15)),
    page('', { Range: 'items=3-3' }, 200, '3-3/*', ids(4)),
    page('&limit=9', { Range: '0-0' }, 200, '0-0/*', ids(1)),
    ['GET /items?limit=-1', '400 PGRST100 invalid_query'],
    ['GET /items?offset=x', '400 PGRST100 invalid_query'],
    ['GET /items', '400 PGRST100 invalid_query', { headers: { Range: 'x' } }],
    ['GET /items', '416 PGRST103 range_not_satisfiable', { headers: { Range: '5-4' } }],
  ]);
});

test('exact counts', async () => {
  await expectAnswers(data, [
    page('&limit=2', exact, 206, '0-1/15', ids(1, 2)),
    page('&id=lt.3', exact, 200, '0-1/2', ids(1, 2)),
    page('&limit=2&id=lt.3', exact, 200, '0-1/2', ids(1, 2)),
    page('&id=gt.99', exact, 200, '*/0', []),
    page('&limit=0', exact, 206, '*/15', []),
    page('', { ...exact, Range: '10-10' }, 206, '10-10/15', ids(11)),
    page('&offset=16', exact, 416, '*/15', '416 PGRST103 range_not_satisfiable'),
    page('', { ...exact, Range: '99-' }, 416, '*/15', '416 PGRST103 range_not_satisfiable'),
    ['HEAD /items?limit=5', [206, '0-4/15', ''], { headers: exact, show: ['status', 'Content-Range'] }],
    ['HEAD /items', [200, '0-14/*', ''], { show: ['status', 'Content-Range'] }],
    ['GET /rpc/few?order=id&limit=1', [206, '0-0/5', ids(1)], { headers: exact, show: ['status', 'Content-Range'] }],
    ['HEAD /rpc/few', [200, '0-4/5', ''], { headers: exact, show: ['status', 'Content-Range'] }],
  ]);
});

test('planned and estimated counts, where they are enabled', async () => {
  const test = await createTestData(TABLE, { config: { defaultLimit: 10, maxLimit: 10, planEnabled: true } });
  const planned = { Prefer: 'count=planned' };
  const estimated = { Prefer: 'count=estimated' };
  await expectAnswers(test, [
    page('&limit=2', planned, 206, '0-1/15', ids(1, 2)),
    page('&limit=1', estimated, 206, '0-0/15', ids(1)),
    page('&limit=1&id=lt.4', estimated, 206, '0-0/3', ids(1)),
    ['HEAD /items', [206, '0-9/15', ''], { headers: planned, show: ['status', 'Content-Range'] }],
  ]);
  // Statistics are from before: only a count that is really counted knows better.
  await test.database.query('INSERT INTO items VALUES (0)');
  const total = async (Prefer: string, query = '') => {
    const answer = await test.as('alice')('HEAD', `/items${query}`, { headers: { Prefer } });
    return answer.headers.get('Content-Range')?.split('/')[1];
  };
  expect(await total('count=exact')).toBe('16');
  expect(await total('count=planned')).toBe('15');
  expect(await total('count=estimated')).toBe('15');
  expect(await total('count=estimated', '?id=lt.3')).toBe('3');
});
