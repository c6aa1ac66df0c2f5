import { expect, test } from 'vitest';
import { expectAnswers } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('of all rows, and of each group', async () => {
  await expectAnswers(data, [
    ['GET /invoices?select=amount.sum()', [{ sum: 1876.53 }]],
    ['GET /invoices?select=amount.min(),amount.max(),amount.count()', [{ min: 215.22, max: 905.73, count: 4 }]],
    ['GET /invoices?select=amount.avg()::numeric::int', '400 PGRST100 invalid_query'],
    ['GET /invoices?select=amount.avg()::int', [{ avg: 469 }]],
    ['GET /invoices?select=total:amount.sum(),mean:amount.avg()::int', [{ total: 1876.53, mean: 469 }]],
    ['GET /invoices?select=amount.sum()&day=eq.2023-09-01', [{ sum: 544.93 }]],
    ['GET /invoices?select=amount.sum()&id=gt.99', [{ sum: null }]],
    [
      'GET /invoices?select=amount.sum(),amount.max(),day&order=day',
      [
        { sum: 544.93, max: 329.71, day: '2023-09-01' },
        { sum: 1331.6, max: 905.73, day: '2023-09-02' },
      ],
    ],
    ['GET /invoices?select=amount.sum(),on:day&order=day.desc&limit=1', [{ sum: 1331.6, on: '2023-09-02' }]],
    [
      'GET /invoices?select=count(),day&order=day',
      [
        { count: 2, day: '2023-09-01' },
        { count: 2, day: '2023-09-02' },
      ],
    ],
    ['GET /invoices?select=details.count()', [{ count: 3 }]],
    ['GET /invoices?select=n:count()::text', [{ n: '4' }]],
    ['GET /invoices?select=details->tax::numeric.sum()', [{ sum: 60 }]],
    ['GET /invoices?select=tax:details->>tax::int.sum()::text', [{ tax: '60' }]],
    ['GET /invoices?select=amount.median()', '400 PGRST100 invalid_query'],
    ['GET /customers?select=name.sum()', '400 42883 statement_rejected'],
    ['GET /invoices?select=amount.sum()&order=day', '400 42803 statement_rejected'],
  ]);
});

test('count without parentheses, where no column is called so', async () => {
  const test = await createTestData(`${CINEMA}
    CREATE TABLE tallies (id int PRIMARY KEY, film_id int REFERENCES films, count int);
    ALTER TABLE tallies ENABLE ROW LEVEL SECURITY;
    CREATE POLICY anybody ON tallies USING (true);
    INSERT INTO tallies VALUES (1, 1, 7), (2, 1, 8);
  `);
  await expectAnswers(test, [
    ['GET /films?select=count', [{ count: 5 }]],
    ['GET /films?select=n:count::text', [{ n: '5' }]],
    [
      'GET /directors?select=last_name,films(count)&order=id&limit=2',
      [
        { last_name: 'Varda', films: [{ count: 1 }] },
        { last_name: 'Kurosawa', films: [{ count: 2 }] },
      ],
    ],
    ['GET /tallies?select=count&order=id', [{ count: 7 }, { count: 8 }]],
    ['GET /films?select=tallies(count)&id=eq.1', [{ tallies: [{ count: 7 }, { count: 8 }] }]],
    ['GET /films?select=tallies(count())&id=eq.1', [{ tallies: [{ count: 2 }] }]],
  ]);
});

test('with what is embedded', async () => {
  const anybodyFirst = expect.arrayContaining([
    { sum: 1120.95, customers: { name: 'Anna' } },
    { sum: 329.71, customers: { name: 'Bert' } },
    { sum: 425.87, customers: { name: 'Carl' } },
  ]);
  await expectAnswers(data, [
    ['GET /invoices?select=amount.sum(),customers(name)', anybodyFirst],
    [
      'GET /customers?select=name,city,invoices(amount.sum(),day)&id=lt.3&order=id&invoices.order=day',
      [
        {
          name: 'Anna',
          city: 'New York',
          invoices: [
            { sum: 215.22, day: '2023-09-01' },
            { sum: 905.73, day: '2023-09-02' },
          ],
        },
        { name: 'Bert', city: 'Los Angeles', invoices: [{ sum: 329.71, day: '2023-09-01' }] },
      ],
    ],
    ['GET /films?select=id,screenings(id.max(),count())&id=eq.2', [{ id: 2, screenings: [{ max: 3, count: 2 }] }]],
  ]);
});

test('with what is spread', async () => {
  await expectAnswers(data, [
    [
      'GET /invoices?select=amount.sum(),...customers(city,state)&order=customers(city)',
      [
        { sum: 755.58, city: 'Los Angeles', state: 'CA' },
        { sum: 1120.95, city: 'New York', state: 'NY' },
      ],
    ],
    [
      'GET /invoices?select=amount.sum(),...customers(where:city)&order=customers(city).desc&limit=1',
      [{ sum: 1120.95, where: 'New York' }],
    ],
    [
      'GET /invoices?select=day,...customers(joined.max(),first:joined.min())&order=day',
      [
        { day: '2023-09-01', max: '2016-02-11', first: '2013-10-01' },
        { day: '2023-09-02', max: '2023-10-15', first: '2013-10-01' },
      ],
    ],
    [
      'GET /roles?select=...films(language,...directors(born:id.max()))&order=films(language)&limit=1',
      [{ language: 'en', born: 3 }],
    ],
    ['GET /invoices?select=...customers(count())', [{ count: 4 }]],
    ['GET /invoices?select=amount.sum(),...customers(city)&order=customers(name)', '400 42803 statement_rejected'],
  ]);
});
