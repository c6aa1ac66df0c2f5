import { test } from 'vitest';
import { expectAnswers, ids, type Row } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

const people = (order: string, ...found: readonly number[]): Row => [
  `GET /people?select=id&order=${order}`,
  ids(...found),
];

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('columns, directions and nulls', async () => {
  await expectAnswers(data, [
    people('age', 3, 2, 1, 4),
    people('age.asc', 3, 2, 1, 4),
    people('age.desc', 4, 1, 2, 3),
    people('age.nullsfirst', 4, 3, 2, 1),
    people('age.asc.nullslast', 3, 2, 1, 4),
    people('age.desc.nullslast', 1, 2, 3, 4),
    people('age.desc.nullsfirst', 4, 1, 2, 3),
    people('last_name.desc,height.asc', 3, 2, 1, 4),
    people('json_data->>blood_type.desc.nullslast,id', 2, 1, 3, 4),
    people('json_data->>age.nullsfirst', 4, 3, 2, 1),
    ['GET /films?select=id&order=info->box->usd.desc.nullslast,id', ids(2, 3, 1, 4, 5)],
    ['GET /countries?select=id&order=location->lat.nullsfirst', ids(3, 2, 1)],
    ['GET /Order Items?select=id&order="Unit Price".desc', ids(2, 1)],
    ['GET /people?order=age.sideways', '400 PGRST100 invalid_query'],
    ['GET /people?order=age.nullslast.desc', '400 PGRST100 invalid_query'],
    ['GET /people?order=nothing', '400 42703 column_not_found'],
  ]);
});

test('by a column of what is embedded', async () => {
  await expectAnswers(data, [
    [
      'GET /films?select=title,directors(last_name)&order=directors(last_name).desc.nullslast&limit=2',
      [
        { title: 'Cléo from 5 to 7', directors: { last_name: 'Varda' } },
        { title: '12 Angry Men', directors: { last_name: 'Lumet' } },
      ],
    ],
    ['GET /films?select=id,by:directors()&order=by(last_name),id', ids(2, 3, 4, 1, 5)],
    [
      'GET /films?select=id,...directors(last_name)&order=directors(last_name).desc,id&limit=1',
      [{ id: 5, last_name: null }],
    ],
    ['GET /films?select=id,technical_specs()&order=technical_specs(runtime).desc.nullslast&limit=2', ids(4, 1)],
    [
      'GET /roles?select=films(directors())&order=films(year)&films.order=directors(last_name)&limit=1',
      [{ films: {} }],
    ],
    ['GET /films?select=id,directors(id)&order=directors(nothing)', '400 42703 column_not_found'],
    ['GET /films?select=id&order=directors(last_name)', '400 PGRST108 invalid_query'],
    ['GET /directors?select=id,films(id)&order=films(year)', '400 PGRST118 invalid_query'],
  ]);
});
