import { test } from 'vitest';
import { expectAnswers, ids } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('to one, to many, through a junction, one to one', async () => {
  await expectAnswers(data, [
    [
      'GET /films?select=title,directors(id,last_name)&id=in.(2,5)&order=id',
      [
        { title: 'Seven Samurai', directors: { id: 2, last_name: 'Kurosawa' } },
        { title: 'Untitled (100%)', directors: null },
      ],
    ],
    [
      'GET /films?select=title,director:directors(last_name)&id=eq.2',
      [{ title: 'Seven Samurai', director: { last_name: 'Kurosawa' } }],
    ],
    ['GET /films?select=id,director_id(last_name)&id=eq.2', [{ id: 2, director_id: { last_name: 'Kurosawa' } }]],
    [
      'GET /directors?select=last_name,films(title)&id=in.(1,2)&order=id&films.order=id',
      [
        { last_name: 'Varda', films: [{ title: 'Cléo from 5 to 7' }] },
        { last_name: 'Kurosawa', films: [{ title: 'Seven Samurai' }, { title: 'Yojimbo, "the bodyguard"' }] },
      ],
    ],
    [
      'GET /actors?select=name,films(id)&order=id&films.order=id',
      [
        { name: 'Corinne', films: ids(1) },
        { name: 'Toshiro', films: ids(2, 3) },
        { name: 'Henry', films: ids(4) },
        { name: 'Nobody', films: [] },
      ],
    ],
    [
      'GET /films?select=id,technical_specs(camera)&id=lt.3&order=id',
      [
        { id: 1, technical_specs: { camera: 'Caméflex' } },
        { id: 2, technical_specs: null },
      ],
    ],
    ['GET /technical_specs?select=films(id)&camera=eq.Mitchell', [{ films: { id: 4 } }]],
    ['GET /competitions?select=*,films(*,directors(id))&id=eq.9', []],
    [
      'GET /competitions?select=*,films(id,title)&id=eq.3',
      [{ id: 3, name: 'Berlin', year: 1957, films: [{ id: 4, title: '12 Angry Men' }] }],
    ],
  ]);
});

test('nested, on several branches, of itself, by several columns', async () => {
  await expectAnswers(data, [
    [
      'GET /actors?select=roles(character,films(title,year))&id=eq.2&roles.order=film_id',
      [
        {
          roles: [
            { character: 'Kikuchiyo', films: { title: 'Seven Samurai', year: 1954 } },
            { character: 'Sanjuro', films: { title: 'Yojimbo, "the bodyguard"', year: 1961 } },
          ],
        },
      ],
    ],
    [
      'GET /films?select=id,directors(mentor:mentor_id(last_name)),actors(name),competitions(year)&id=eq.4',
      [
        {
          id: 4,
          directors: { mentor: { last_name: 'Kurosawa' } },
          actors: [{ name: 'Henry' }],
          competitions: [{ year: 1957 }],
        },
      ],
    ],
    [
      'GET /presidents?select=last_name,predecessor:predecessor_id(last_name),successor:presidents!predecessor_id(last_name)&id=eq.2',
      [{ last_name: 'Adams', predecessor: { last_name: 'Washington' }, successor: { last_name: 'Jefferson' } }],
    ],
    [
      'GET /directors?select=last_name,pupils:directors!mentor_id(last_name)&id=eq.2',
      [{ last_name: 'Kurosawa', pupils: [{ last_name: 'Lumet' }] }],
    ],
    [
      'GET /users?select=username,subscribers:subscriptions!subscribed_id(...subscriber_id(username)),following:subscriptions!subscriber_id(...subscribed_id(username))&id=eq.4&subscribers.order=subscriber_id',
      [
        {
          username: 'top_artist',
          subscribers: [{ username: 'patrick' }, { username: 'alicia' }],
          following: [{ username: 'top_streamer' }],
        },
      ],
    ],
    [
      'GET /screenings?select=id,halls(number,seats)&order=id',
      [
        { id: 1, halls: { number: 1, seats: 100 } },
        { id: 2, halls: { number: 1, seats: 300 } },
        { id: 3, halls: null },
      ],
    ],
    ['GET /halls?select=seats,screenings(id)&cinema=eq.Rex', [{ seats: 300, screenings: ids(2) }]],
    [
      'GET /box_office?select=day,gross,films(title)&gross=gte.1000000&order=day',
      [
        { day: '2021-01-05', gross: 1000000, films: { title: 'Seven Samurai' } },
        { day: '2021-02-01', gross: 2500000.5, films: { title: '12 Angry Men' } },
      ],
    ],
    [
      'GET /films?select=id,box_office(gross)&id=eq.2&box_office.order=day',
      [{ id: 2, box_office: [{ gross: 1000000 }, { gross: 900000 }] }],
    ],
    [
      'GET /nominated?select=film_title,films(language),roles(character),actors(name)&rank=eq.5',
      [
        {
          film_title: 'Cléo from 5 to 7',
          films: { language: 'fr' },
          roles: [{ character: 'Cléo' }],
          actors: [{ name: 'Corinne' }],
        },
      ],
    ],
  ]);
});

test('which of several relationships', async () => {
  const test = await createTestData(CINEMA);
  await expectAnswers(test, [
    ['GET /orders?select=*,addresses(*)', '300 PGRST201 ambiguous_embed'],
    ['GET /addresses?select=orders(id)', '300 PGRST201 ambiguous_embed'],
    ['GET /directors?select=directors(id)', '300 PGRST201 ambiguous_embed'],
    [
      'GET /orders?select=id,billing:addresses!orders_billing(city),shipping:addresses!orders_shipping(city)&id=eq.1',
      [{ id: 1, billing: { city: 'Paris' }, shipping: { city: 'Kyoto' } }],
    ],
    [
      'GET /orders?select=id,billing:addresses!billing_id(city),shipping_id(city)&id=eq.1',
      [{ id: 1, billing: { city: 'Paris' }, shipping_id: { city: 'Kyoto' } }],
    ],
    ['GET /orders?select=id,orders_billing(city)&id=eq.1', [{ id: 1, orders_billing: { city: 'Paris' } }]],
    [
      'GET /addresses?select=city,billed:orders!orders_billing(id),shipped:orders!shipping_id(id)&id=eq.1&billed.order=id',
      [{ city: 'Paris', billed: ids(1, 2), shipped: ids(2) }],
    ],
    ['GET /films?select=id,actors!roles(name)&id=eq.1', [{ id: 1, actors: [{ name: 'Corinne' }] }]],
    ['GET /orders?select=addresses!nothing(id)', '400 PGRST200 relationship_not_found'],
    ['GET /films?select=people(id)', '400 PGRST200 relationship_not_found'],
    ['GET /films?select=directors(nothing)', '400 42703 column_not_found'],
    ['GET /films?select=directors(id),directors(last_name)', '400 PGRST100 invalid_query'],
    ['GET /films?select=directors(films(directors(films(directors(films(id))))))', '400 PGRST100 invalid_query'],
  ]);
});

test('in what a write returns', async () => {
  const headers = { Prefer: 'return=representation' };
  await expectAnswers(await createTestData(CINEMA), [
    [
      'POST /films?select=title,year,director:directors(first_name,last_name)',
      [{ title: '127 hours', year: 2010, director: { first_name: 'Akira', last_name: 'Kurosawa' } }],
      { body: { id: 100, director_id: 2, title: '127 hours', year: 2010 }, headers },
    ],
    [
      'PATCH /films?id=eq.100&select=id,directors(last_name)',
      [{ id: 100, directors: { last_name: 'Varda' } }],
      { body: { director_id: 1 }, headers },
    ],
    ['PATCH /films?id=eq.100&select=...directors(last_name)', [{ last_name: 'Varda' }], { body: { year: 1 }, headers }],
    [
      'DELETE /films?id=eq.100&select=id,roles(character),directors!inner(id)',
      [{ id: 100, roles: [], directors: { id: 1 } }],
      { headers },
    ],
    [
      'DELETE /roles?select=character,films(title)&film_id=eq.1',
      [{ character: 'Cléo', films: { title: 'Cléo from 5 to 7' } }],
      { headers },
    ],
  ]);
});
