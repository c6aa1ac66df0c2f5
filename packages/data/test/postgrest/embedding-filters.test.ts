import { test } from 'vitest';
import { expectAnswers, ids } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('filters, order, limit and offset of what is embedded', async () => {
  await expectAnswers(data, [
    [
      'GET /directors?select=id,films(id)&films.order=year.desc&order=id',
      [
        { id: 1, films: ids(1) },
        { id: 2, films: ids(3, 2) },
        { id: 3, films: ids(4) },
      ],
    ],
    [
      'GET /films?select=id,roles(character)&roles.character=in.(Cléo,Sanjuro)&id=lt.4&order=id',
      [
        { id: 1, roles: [{ character: 'Cléo' }] },
        { id: 2, roles: [] },
        { id: 3, roles: [{ character: 'Sanjuro' }] },
      ],
    ],
    [
      'GET /films?select=id,roles(character)&roles.or=(character.eq.Cléo,character.like.Kiku*)&id=lt.4&order=id',
      [
        { id: 1, roles: [{ character: 'Cléo' }] },
        { id: 2, roles: [{ character: 'Kikuchiyo' }] },
        { id: 3, roles: [] },
      ],
    ],
    [
      'GET /films?select=id,roles(character)&roles.not.and=(character.eq.Cléo,film_id.eq.1)&id=eq.1',
      [{ id: 1, roles: [] }],
    ],
    ['GET /directors?select=id,films(id)&id=eq.2&films.order=id&films.limit=1', [{ id: 2, films: ids(2) }]],
    [
      'GET /directors?select=id,films(id)&id=eq.2&films.order=id&films.limit=1&films.offset=1',
      [{ id: 2, films: ids(3) }],
    ],
    [
      'GET /films?select=id,first:competitions(name),second:competitions(name)&first.year=eq.1962&second.year=eq.1954&id=lt.3&order=id',
      [
        { id: 1, first: [{ name: 'Cannes' }], second: [] },
        { id: 2, first: [], second: [{ name: 'Venice' }] },
      ],
    ],
    [
      'GET /films?select=id,roles(character,actors(name))&roles.actors.name=like.*Tosh*&roles.actors.order=name&id=lt.3&order=id',
      [
        { id: 1, roles: [{ character: 'Cléo', actors: null }] },
        { id: 2, roles: [{ character: 'Kikuchiyo', actors: { name: 'Toshiro' } }] },
      ],
    ],
    [
      'GET /directors?select=id,f:films(id,r:roles(character))&f.r.or=(character.eq.Sanjuro,character.eq.Cléo)&f.r.limit=1&f.order=id&id=eq.2',
      [
        {
          id: 2,
          f: [
            { id: 2, r: [] },
            { id: 3, r: [{ character: 'Sanjuro' }] },
          ],
        },
      ],
    ],
    ['GET /directors?select=id,films(id)&films.info->box->>usd=eq.900&id=eq.2', [{ id: 2, films: ids(2) }]],
    ['GET /films?select=id&directors.id=eq.1', '400 PGRST108 invalid_query'],
    ['GET /films?select=id,director:directors(id)&directors.id=eq.1', '400 PGRST108 invalid_query'],
    ['GET /films?select=id,directors(id)&directors.or=()', '400 PGRST100 invalid_query'],
  ]);
});

test('inner embeds drop the rows that embed nothing', async () => {
  await expectAnswers(data, [
    [
      'GET /films?select=id,actors(name)&actors.name=eq.Corinne&id=lt.3&order=id',
      [
        { id: 1, actors: [{ name: 'Corinne' }] },
        { id: 2, actors: [] },
      ],
    ],
    ['GET /films?select=id,actors!inner(name)&actors.name=eq.Corinne', [{ id: 1, actors: [{ name: 'Corinne' }] }]],
    ['GET /films?select=id,actors!left(name)&actors.name=eq.Corinne&id=eq.2', [{ id: 2, actors: [] }]],
    [
      'GET /films?select=id,directors!inner(last_name)&directors.last_name=eq.Lumet',
      [{ id: 4, directors: { last_name: 'Lumet' } }],
    ],
    [
      'GET /films?select=id,technical_specs!inner(camera)&order=id',
      [
        { id: 1, technical_specs: { camera: 'Caméflex' } },
        { id: 4, technical_specs: { camera: 'Mitchell' } },
      ],
    ],
    [
      'GET /directors?select=id,films!inner(id,roles!inner(character))&films.roles.character=eq.Sanjuro',
      [{ id: 2, films: [{ id: 3, roles: [{ character: 'Sanjuro' }] }] }],
    ],
    [
      'GET /orders?select=id,addresses!orders_shipping!inner(city)&order=id',
      [
        { id: 1, addresses: { city: 'Kyoto' } },
        { id: 2, addresses: { city: 'Paris' } },
      ],
    ],
    ['GET /orders?select=id,a:addresses!inner!shipping_id(city)&a.city=eq.Kyoto', [{ id: 1, a: { city: 'Kyoto' } }]],
    [
      'GET /films?select=id,actors!inner()&limit=2&order=id',
      ['0-1/4', ids(1, 2)],
      { headers: { Prefer: 'count=exact' }, show: ['Content-Range'] },
    ],
  ]);
});

test('whether anything is embedded, as a filter', async () => {
  await expectAnswers(data, [
    ['GET /films?select=id,actors(name)&actors=not.is.null&id=lt.2', [{ id: 1, actors: [{ name: 'Corinne' }] }]],
    ['GET /films?select=id,nominations()&nominations=is.null', ids(5)],
    ['GET /films?select=id,nominations()&nominations=is.not_null&order=id', ids(1, 2, 3, 4)],
    [
      'GET /films?select=id,technical_specs(),directors()&or=(technical_specs.not.is.null,directors.is.null)&order=id',
      ids(1, 4, 5),
    ],
    [
      'GET /films?select=id,actors(),directors()&directors.last_name=eq.Lumet&actors.name=eq.Corinne&or=(directors.not.is.null,actors.not.is.null)&order=id',
      ids(1, 4),
    ],
    [
      'GET /films?select=id,act:actors(),actors(name)&act.name=eq.Henry&act=not.is.null',
      [{ id: 4, actors: [{ name: 'Henry' }] }],
    ],
    ['GET /films?select=id,actors()&actors.name=eq.Corinne&actors=not.is.null', ids(1)],
    ['GET /directors?select=id,films(id,roles())&films.roles=is.null&id=eq.2', [{ id: 2, films: [] }]],
    ['GET /films?select=id,directors(id)&directors=eq.1', '400 PGRST120 invalid_query'],
    ['GET /films?select=id,directors(id)&or=(directors.in.(1),id.eq.1)', '400 PGRST120 invalid_query'],
    ['GET /films?select=id,directors(id)&directors=is.true', '400 PGRST120 invalid_query'],
    ['GET /films?select=id,director_id(last_name)&director_id=eq.1', [{ id: 1, director_id: { last_name: 'Varda' } }]],
  ]);
});
