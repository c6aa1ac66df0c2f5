import { expect, test } from 'vitest';
import { FILMS } from './support/films.js';
import { type Planned, planned } from './support/planned.js';

type Case = readonly [url: string, expected: unknown];

/** One database for all of them; every failing case is shown. */
async function expectAnswers(db: Planned, cases: readonly Case[]) {
  const answers = await Promise.all(cases.map(async ([url]) => [url, await db.get(url).catch(String)]));
  expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(cases));
}

const ids = (...numbers: number[]) => numbers.map((id) => ({ id }));

// Shared by the tests that only read.
const db = await planned(FILMS);

test('filters', async () => {
  const where = (filter: string, ...found: number[]): Case => [`films?select=id&order=id&${filter}`, ids(...found)];
  await expectAnswers(db, [
    where('id=eq.2', 2),
    where('year=neq.1954', 1, 3, 4, 5),
    where('year=gt.1957&year=lte.1962', 1, 3),
    where('year=gte.1962&rating=lt.8', 1),
    where('title=eq.Yojimbo, "the bodyguard"', 3),
    where('title=like.*Sam*', 2),
    where('title=like.%25Sam%25', 2),
    where('title=not.like.*e*', 1),
    where('title=ilike.*CLÉO*', 1),
    where('title=like(any).{Cl*,12*}', 1, 4),
    where('title=ilike(all).{*a*,*7*}'),
    where('title=match.^[0-9]', 4),
    where('title=imatch.^seven', 2),
    where('id=eq(any).{1,3}', 1, 3),
    where('year=gt(all).{1954,1957}', 1, 3, 5),
    where('id=in.(1,4,99)', 1, 4),
    where('id=in.()'),
    where('id=not.in.(1,2,3)', 4, 5),
    where('title=in.("Yojimbo, \\"the bodyguard\\"",12 Angry Men)', 3, 4),
    where('title=eq.Untitled (100%25)', 5),
    where('rating=is.null', 5),
    where('rating=not.is.null', 1, 2, 3, 4),
    where('rating=is.not_null&id=gt.3', 4),
    where('released=is.true', 1, 2, 3, 4),
    where('released=is.unknown', 5),
    where('language=isdistinct.ja', 1, 4, 5),
    where('language=not.isdistinct.ja', 2, 3),
    where('mood=eq.sad', 1),
    where('mood=gt.sad', 2, 3),
    where('mood=in.(fine,happy)', 2, 3),
    where('tags=cs.{sword}', 2, 3),
    where('tags=cs.{"new wave"}', 1),
    where('tags=cd.{sword,rain,x}', 2, 3, 4, 5),
    where('tags=ov.{rain,paris}', 1, 2),
    where('info=cs.{"box":{"usd":300}}', 3),
    where('shown=ov.[1961-05-01,1961-05-02]', 3),
    where('shown=sl.[1960-01-01,1960-02-01]', 2),
    where('shown=sr.[1960-01-01,1960-02-01]', 1, 3),
    where('shown=nxl.[1961-01-01,1961-02-01]', 1, 3),
    where('shown=nxr.[1961-01-01,1961-12-01]', 2, 3),
    where('shown=adj.[1961-08-01,1961-09-01]', 3),
    where('title=fts(english).angry', 4),
    where('title=plfts.angry men', 4),
    where('title=phfts(english).angry men', 4),
    where('title=not.wfts(simple).samurai -rain', 1, 3, 4, 5),
    where('search=fts(english).samurai', 2),
    where('search=wfts.angry or samurai', 2, 4),
    where('info=fts(simple).c', 2),
    where('info->box->usd=eq.300', 3),
    where('info->box->>usd=eq.300', 3),
    where('info->stars->>0=eq.c', 2),
    where('info->stars->>-1=eq.b', 1),
    where('tags->>1=eq.rain', 2),
    where('or=(year.lt.1955,and(language.eq.en,rating.gt.8))', 2, 4),
    where('not.or=(year.lt.1955,language.eq.en)', 1, 3),
    where('and=(id.gt.1,not.and(language.eq.ja,year.gt.1960))', 2, 4),
    where('or=(title.eq."Yojimbo, \\"the bodyguard\\"",tags.cs.{paris,"new wave"})', 1, 3),
    where('or=(id.in.(1,2),id.eq.3)&or=(id.eq.3,id.eq.4)', 3),
  ]);
});

test('what is selected', async () => {
  await expectAnswers(db, [
    ['actors?id=eq.1', [{ id: 1, name: 'Corinne' }]],
    ['actors?select=*&id=eq.1', [{ id: 1, name: 'Corinne' }]],
    ['actors?select=id,*,who:name&id=eq.1', [{ id: 1, name: 'Corinne', who: 'Corinne' }]],
    ['films?select=year::text,score:rating::int&id=eq.1', [{ year: '1962', score: 8 }]],
    ['films?select=mood::text,m:title::mood&id=eq.9', []],
    ['films?select=tags::text,t:tags::text[]&id=eq.2', [{ tags: '{sword,rain}', t: ['sword', 'rain'] }]],
    ['films?select=info->box->usd,first:info->stars->>0&id=eq.1', [{ usd: 100, first: 'a' }]],
    ['films?select=info->stars->0&id=eq.1', [{ stars: 'a' }]],
    ['films?select=tags->0&id=eq.1', [{ tags: 'paris' }]],
    ['films?select=info->"no such"&id=eq.1', [{ 'no such': null }]],
    ['films?select="title"&id=eq.2', [{ title: 'Seven Samurai' }]],
    [`films?select=x"; DROP TABLE films --:title&id=eq.2`, expect.stringContaining('QueryError')],
    [`films?select="x\\"; DROP TABLE films --":title&id=eq.2`, [{ 'x"; DROP TABLE films --': 'Seven Samurai' }]],
  ]);
});

test('order, limit and offset', async () => {
  await expectAnswers(db, [
    ['films?select=id&order=rating.desc', ids(5, 4, 2, 3, 1)],
    ['films?select=id&order=rating.desc.nullslast,id', ids(4, 2, 3, 1, 5)],
    ['films?select=id&order=language.nullsfirst,year.desc', ids(5, 4, 1, 3, 2)],
    ['films?select=id&order=info->box->usd.desc.nullslast,id', ids(2, 3, 1, 4, 5)],
    ['films?select=id&order=id&limit=2&offset=1', ids(2, 3)],
    ['films?select=id&order=id&limit=0', []],
    ['films?select=id&order=id&offset=4', ids(5)],
    ['films?select=id&order=id&offset=99', []],
    [
      'films?select=id,directors(last_name)&order=directors(last_name).desc.nullslast,id&limit=2',
      [
        { id: 1, directors: { last_name: 'Varda' } },
        { id: 4, directors: { last_name: 'Lumet' } },
      ],
    ],
    ['films?select=id,d:directors()&order=d(last_name),d(id),id&limit=3', ids(2, 3, 4)],
  ]);
});

test('embedding', async () => {
  await expectAnswers(db, [
    [
      'films?select=title,directors(last_name)&id=in.(1,5)&order=id',
      [
        { title: 'Cléo from 5 to 7', directors: { last_name: 'Varda' } },
        { title: 'Untitled (100%)', directors: null },
      ],
    ],
    [
      'directors?select=last_name,films(title)&films.order=year&order=id&id=lt.3',
      [
        { last_name: 'Varda', films: [{ title: 'Cléo from 5 to 7' }] },
        { last_name: 'Kurosawa', films: [{ title: 'Seven Samurai' }, { title: 'Yojimbo, "the bodyguard"' }] },
      ],
    ],
    [
      'films?select=id,technical_specs(camera)&order=id&limit=2',
      [
        { id: 1, technical_specs: { camera: 'Caméflex' } },
        { id: 2, technical_specs: null },
      ],
    ],
    [
      'technical_specs?select=camera,films(title)&film_id=eq.4',
      [{ camera: 'Mitchell', films: { title: '12 Angry Men' } }],
    ],
    [
      'actors?select=name,films(title)&films.order=id&order=id&id=in.(2,4)',
      [
        { name: 'Toshiro', films: [{ title: 'Seven Samurai' }, { title: 'Yojimbo, "the bodyguard"' }] },
        { name: 'Nobody', films: [] },
      ],
    ],
    [
      'films?select=id,roles(character,actors(name))&id=eq.4',
      [{ id: 4, roles: [{ character: 'Juror 8', actors: { name: 'Henry' } }] }],
    ],
    [
      'directors?select=last_name,mentor_id(last_name)&id=eq.3',
      [{ last_name: 'Lumet', mentor_id: { last_name: 'Kurosawa' } }],
    ],
    [
      'directors?select=last_name,mentor:directors_mentor_id_fkey(last_name)&id=eq.3',
      [{ last_name: 'Lumet', mentor: { last_name: 'Kurosawa' } }],
    ],
    [
      'directors?select=last_name,pupils:directors!mentor_id(last_name)&id=eq.2',
      [{ last_name: 'Kurosawa', pupils: [{ last_name: 'Lumet' }] }],
    ],
    [
      'orders?select=id,billing:addresses!billing_id(city),shipping:addresses!orders_shipping(city)&id=eq.1',
      [{ id: 1, billing: { city: 'Paris' }, shipping: { city: 'Kyoto' } }],
    ],
    ['orders?select=id,billing_id(city)&id=eq.1', [{ id: 1, billing_id: { city: 'Paris' } }]],
    [
      'addresses?select=city,orders!orders_shipping(id)&order=id',
      [
        { city: 'Paris', orders: [{ id: 2 }] },
        { city: 'Kyoto', orders: [{ id: 1 }] },
      ],
    ],
    ['films?select=title,...directors(director:last_name)&id=eq.1', [{ title: 'Cléo from 5 to 7', director: 'Varda' }]],
    ['films?select=title,...directors(last_name)&id=eq.5', [{ title: 'Untitled (100%)', last_name: null }]],
    [
      'directors?select=last_name,...films(titles:title,year)&films.order=year&id=in.(2,1)&order=id',
      [
        { last_name: 'Varda', titles: ['Cléo from 5 to 7'], year: [1962] },
        { last_name: 'Kurosawa', titles: ['Seven Samurai', 'Yojimbo, "the bodyguard"'], year: [1954, 1961] },
      ],
    ],
    [
      'roles?select=character,...films(title,...directors(last_name))&actor_id=eq.1',
      [{ character: 'Cléo', title: 'Cléo from 5 to 7', last_name: 'Varda' }],
    ],
    ['films?select=directors(*)&id=eq.5', [{ directors: null }]],
    ['films?select=directors()&id=eq.5', [{}]],
  ]);
});

test('filters, order and limits of what is embedded', async () => {
  const last = (...names: string[]) => names.map((last_name) => ({ last_name }));
  await expectAnswers(db, [
    [
      'directors?select=id,films(id)&films.year=gt.1960&order=id',
      [
        { id: 1, films: ids(1) },
        { id: 2, films: ids(3) },
        { id: 3, films: [] },
      ],
    ],
    [
      'directors?select=id,f:films(id)&f.order=year.desc&f.limit=1&f.offset=1&order=id',
      [
        { id: 1, f: [] },
        { id: 2, f: ids(2) },
        { id: 3, f: [] },
      ],
    ],
    ['directors?select=last_name,films!inner()&films.language=eq.ja', last('Kurosawa')],
    [
      'directors?select=last_name,films!inner(id)&films.or=(id.eq.1,id.eq.4)&order=id',
      [
        { last_name: 'Varda', films: ids(1) },
        { last_name: 'Lumet', films: ids(4) },
      ],
    ],
    ['films?select=id,directors!inner(id)&directors.last_name=eq.Lumet', [{ id: 4, directors: { id: 3 } }]],
    [
      'films?select=id,directors(id)&directors.last_name=eq.Lumet&id=gt.3&order=id',
      [
        { id: 4, directors: { id: 3 } },
        { id: 5, directors: null },
      ],
    ],
    ['actors?select=name,films!inner()&films.year=eq.1957', [{ name: 'Henry' }]],
    [
      'actors?select=name,films!inner(directors!inner())&films.directors.last_name=eq.Varda',
      [{ name: 'Corinne', films: [{}] }],
    ],
    ['actors?select=name,films()&films=is.null', [{ name: 'Nobody' }]],
    ['actors?select=name,films()&films=not.is.null&order=id&limit=1', [{ name: 'Corinne' }]],
    ['films?select=id,d:directors()&or=(d.is.null,year.eq.1957)&order=id', ids(4, 5)],
    ['films?select=id,directors(),technical_specs()&directors=is.not_null&technical_specs=is.null&order=id', ids(2, 3)],
  ]);
});

test('aggregates', async () => {
  await expectAnswers(db, [
    ['orders?select=count()', [{ count: 3 }]],
    ['orders?select=n:count()::text', [{ n: '3' }]],
    [
      'orders?select=amount.sum(),amount.avg()::int,least:amount.min(),amount.max()&day=eq.2024-01-01',
      [{ sum: 15.5, avg: 8, least: 5.5, max: 10 }],
    ],
    [
      'orders?select=day,total:amount.sum()&order=day',
      [
        { day: '2024-01-01', total: 15.5 },
        { day: '2024-01-02', total: 4.5 },
      ],
    ],
    ['orders?select=shipping_id.count()', [{ count: 2 }]],
    ['orders?select=amount::int.sum()', [{ sum: 21 }]],
    ['directors?select=last_name,films(count())&id=eq.2', [{ last_name: 'Kurosawa', films: [{ count: 2 }] }]],
    [
      'directors?select=last_name,films(language,count())&id=eq.2',
      [{ last_name: 'Kurosawa', films: [{ language: 'ja', count: 2 }] }],
    ],
    [
      'orders?select=...billing_id(city),amount.sum()&order=billing_id(id)',
      expect.stringContaining('must appear in the GROUP BY clause'),
    ],
    [
      'orders?select=...billing_id(city),amount.sum()&billing_id=not.is.null',
      [
        { city: 'Kyoto', sum: 4.5 },
        { city: 'Paris', sum: 15.5 },
      ],
    ],
    ['films?select=language,...directors(id.max())&language=eq.ja', [{ language: 'ja', max: 2 }]],
    ['orders?select=addresses!billing_id(city),count()&billing_id=eq.1', [{ addresses: { city: 'Paris' }, count: 2 }]],
    ['films?select=info->box->usd.max()', expect.stringContaining('max(jsonb)')],
    ['films?select=info->stars->>0,count()&id=in.(1,2)&info->stars->>0=eq.c', [{ stars: 'c', count: 1 }]],
  ]);
});
