import { expect, test } from 'vitest';
import { expectAnswers, ids, type Sent } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData, jsonBody } from '../support/data.js';

const returned = (body?: unknown): Sent => ({
  ...(body === undefined ? {} : { body }),
  headers: { Prefer: 'return=representation' },
});

test('PATCH changes the rows that the filters leave', async () => {
  await expectAnswers(await createTestData(CINEMA), [
    [
      'PATCH /people?age=lt.20',
      [204, '1', '0-0/*', ''],
      { body: { grade: 1 }, show: ['status', 'X-Affected-Rows', 'Content-Range'] },
    ],
    ['GET /people?select=id&grade=eq.1', ids(3)],
    ['PATCH /people?id=eq.1&select=id,age', [{ id: 1, age: null }], returned({ age: null })],
    ['PATCH /people?id=eq.99&select=id', [], returned({ age: 1 })],
    ['PATCH /people?id=eq.1&select=id', [], returned({})],
    ['PATCH /people?or=(id.eq.1,id.eq.2)&select=id&order=id.desc', ids(2, 1), returned({ grade: 2 })],
    ['PATCH /people?json_data->>blood_type=eq.O%2B&select=id', ids(2), returned({ grade: 3 })],
    ['PATCH /people?id=eq.1&columns=grade&select=grade,age', [{ grade: 4, age: null }], returned({ grade: 4, age: 9 })],
    [
      'PATCH /people?id=eq.1&select=grade',
      { grade: 5 },
      {
        body: [{ grade: 5 }],
        headers: { Prefer: 'return=representation', Accept: 'application/vnd.pgrst.object+json' },
      },
    ],
    [
      'PATCH /people?id=lt.3',
      '406 PGRST116 not_one_row',
      { body: { grade: 6 }, headers: { Prefer: 'return=representation', Accept: 'application/vnd.pgrst.object+json' } },
    ],
    ['GET /people?select=id&grade=eq.6', []],
    [
      'PATCH /films?director_id=eq.1&directors.last_name=eq.Varda&select=id,directors!inner(id)',
      [{ id: 1, directors: { id: 1 } }],
      returned({ year: 1963 }),
    ],
    [
      'PATCH /people?id=eq.1',
      ['0-0/1', ''],
      { body: { grade: 7 }, headers: { Prefer: 'count=exact' }, show: ['Content-Range'] },
    ],
    ['PATCH /people?id=eq.1', '400 PGRST102 invalid_body', { body: [{ grade: 1 }, { grade: 2 }] }],
    ['PATCH /people?id=eq.1', '400 PGRST204 column_not_found', { body: { shoe: 1 } }],
    ['PATCH /people?id=eq.1&limit=1', '400 PGRST100 invalid_query', { body: { grade: 1 } }],
    ['PATCH /people?id=eq.1', '409 23505 conflict', { body: { id: 2 } }],
    ['PATCH /roles?film_id=eq.1', '409 23503 conflict', { body: { actor_id: 99 } }],
  ]);
});

test('DELETE removes the rows that the filters leave', async () => {
  await expectAnswers(await createTestData(CINEMA), [
    ['DELETE /people?age=lt.20', [204, '1', '*/*', ''], { show: ['status', 'X-Affected-Rows', 'Content-Range'] }],
    ['DELETE /people?id=eq.1&select=id,first_name', [{ id: 1, first_name: 'John' }], returned()],
    ['DELETE /people?id=eq.1&select=id', [], returned()],
    ['DELETE /people?id=eq.2', ['*/1', ''], { headers: { Prefer: 'count=exact' }, show: ['Content-Range'] }],
    ['DELETE /people?id=eq.4&offset=0', '400 PGRST100 invalid_query'],
    ['DELETE /films?id=eq.1', '409 23503 conflict'],
    ['GET /people?select=id', ids(4)],
  ]);
});

test('without a filter they say how to mean every row', async () => {
  const data = await createTestData(CINEMA);
  const everyRow = { Prefer: 'handling=strict, max-affected=4' };
  await expectAnswers(data, [
    ['PATCH /people', '400 21000 filter_required', { body: { grade: 1 } }],
    ['DELETE /people', '400 21000 filter_required'],
    ['DELETE /people?select=id', '400 21000 filter_required', { headers: { Prefer: 'max-affected=4' } }],
    ['PATCH /people', [204, '4', ''], { body: { grade: 1 }, headers: everyRow, show: ['status', 'X-Affected-Rows'] }],
  ]);
  const refused = await data.as('alice')('DELETE', '/people', jsonBody({}));
  const { message } = (await refused.json()) as { message: string };
  expect(message).toContain('Prefer: handling=strict, max-affected=');
  await expectAnswers(data, [
    ['DELETE /people', [204, '4', ''], { headers: everyRow, show: ['status', 'X-Affected-Rows'] }],
    ['GET /people', []],
  ]);
});
