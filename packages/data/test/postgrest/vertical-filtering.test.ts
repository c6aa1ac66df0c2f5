import { test } from 'vitest';
import { expectAnswers } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('columns, renamed and cast', async () => {
  await expectAnswers(data, [
    ['GET /people?select=first_name,age&id=eq.1', [{ first_name: 'John', age: 30 }]],
    ['GET /competitions?id=eq.1', [{ id: 1, name: 'Cannes', year: 1962 }]],
    ['GET /competitions?select=&id=eq.1', [{ id: 1, name: 'Cannes', year: 1962 }]],
    ['GET /competitions?select=*&id=eq.1', [{ id: 1, name: 'Cannes', year: 1962 }]],
    ['GET /competitions?select=*,in:name&id=eq.1', [{ id: 1, name: 'Cannes', year: 1962, in: 'Cannes' }]],
    [
      'GET /people?select=firstName:first_name,"last name":last_name&id=eq.2',
      [{ firstName: 'Jane', 'last name': 'Doe' }],
    ],
    ['GET /people?select=first_name,salary::text&id=eq.1', [{ first_name: 'John', salary: '90000.00' }]],
    ['GET /people?select=pay:salary::int,id::text&id=eq.1', [{ pay: 90000, id: '1' }]],
    ['GET /films?select=tags::text,year::text[]&id=eq.2', '400 42846 statement_rejected'],
    ['GET /films?select=all:tags::text&id=eq.2', [{ all: '{sword,rain}' }]],
    ['GET /people?select=id::regclass', '400 42704 invalid_query'],
    ['GET /people?select=name', '400 42703 column_not_found'],
    ['GET /people?select=id,', '400 PGRST100 invalid_query'],
    ['GET /people?select=id&select=age', '400 PGRST100 invalid_query'],
  ]);
});

test('paths into JSON', async () => {
  await expectAnswers(data, [
    [
      'GET /people?select=id,json_data->>blood_type,json_data->phones&id=lt.3&order=id',
      [
        { id: 1, blood_type: 'A-', phones: [{ country: '61', number: '917' }] },
        {
          id: 2,
          blood_type: 'O+',
          phones: [
            { country: '43', number: '512' },
            { country: '43', number: '213' },
          ],
        },
      ],
    ],
    [
      'GET /people?select=id,json_data->phones->0->>number&id=lt.3&order=id',
      [
        { id: 1, number: '917' },
        { id: 2, number: '512' },
      ],
    ],
    ['GET /people?select=json_data->phones->-1->>number&id=eq.2', [{ number: '213' }]],
    ['GET /people?select=json_data->age,of:json_data->>age&id=eq.1', [{ age: 30, of: '30' }]],
    ['GET /people?select=json_data->>age::int&id=eq.1', [{ age: 30 }]],
    ['GET /people?select=json_data->nothing->deeper&id=eq.1', [{ deeper: null }]],
    ['GET /films?select=info->"box"->usd&id=eq.1', [{ usd: 100 }]],
    ['GET /films?select=info->stars->0&id=eq.1', [{ stars: 'a' }]],
  ]);
});
