import { describe, expect, test } from 'vitest';
import { COMPARISONS, IS_VALUES, QUANTIFIABLE, TEXT_SEARCHES } from '../../src/query/ast.js';
import { expectAnswers, filtering, ids, type Row } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

const people = filtering('people');
const films = filtering('films');

const OPERATORS: readonly Row[] = [
  people('age=lt.20', 3),
  people('age=not.lt.20', 1, 2),
  people('age=lte.20', 2, 3),
  people('age=not.lte.20', 1),
  people('age=gt.20', 1),
  people('age=not.gt.20', 2, 3),
  people('age=gte.20', 1, 2),
  people('age=not.gte.20', 3),
  people('age=eq.30', 1),
  people('age=not.eq.30', 2, 3),
  people('age=neq.30', 2, 3),
  people('age=not.neq.30', 1),
  people('age=isdistinct.30', 2, 3, 4),
  people('age=not.isdistinct.30', 1),
  people('first_name=like.J*', 1, 2),
  people('first_name=not.like.J%25', 3, 4),
  people('first_name=ilike.*JOHN', 1),
  people('first_name=not.ilike.j*', 3, 4),
  people('first_name=match.^J.*n$', 1),
  people('first_name=not.match.^J', 3, 4),
  people('first_name=imatch.^j', 1, 2),
  people('first_name=not.imatch.^J', 3, 4),
  people('id=in.(1,3,77)', 1, 3),
  people('id=not.in.(1,3)', 2, 4),
  people('student=is.true', 2, 3),
  people('student=not.is.true', 1, 4),
  people('student=is.false', 1),
  people('student=not.is.false', 2, 3, 4),
  people('student=is.unknown', 4),
  people('student=not.is.unknown', 1, 2, 3),
  people('age=is.null', 4),
  people('age=not.is.null', 1, 2, 3),
  people('age=is.not_null', 1, 2, 3),
  people('age=not.is.not_null', 4),
  films('tags=cs.{sword,rain}', 2),
  films('tags=not.cs.{sword}', 1, 4, 5),
  films('info=cs.{"box":{"usd":900}}', 2),
  films('tags=cd.{sword,rain}', 2, 3, 4, 5),
  films('tags=not.cd.{sword,rain}', 1),
  films('info=cd.{"box":{"usd":300},"more":1}', 3, 4, 5),
  films('tags=ov.{paris,rain}', 1, 2),
  films('tags=not.ov.{paris,rain}', 3, 4, 5),
  films('shown=ov.[1961-05-01,1961-05-02]', 3),
  films('shown=cs.[1954-05-01,1954-05-02]', 2),
  films('shown=cd.[1961-01-01,1962-12-31]', 1, 3),
  films('shown=sl.(1961-01-01,1961-02-01)', 2),
  films('shown=not.sl.(1961-01-01,1961-02-01)', 1, 3),
  films('shown=sr.(1961-01-01,1961-02-01)', 1, 3),
  films('shown=not.sr.(1961-01-01,1961-02-01)', 2),
  films('shown=nxr.(1961-01-01,1961-12-01)', 2, 3),
  films('shown=not.nxr.(1961-01-01,1961-12-01)', 1),
  films('shown=nxl.(1961-01-01,1961-12-01)', 1, 3),
  films('shown=not.nxl.(1961-01-01,1961-12-01)', 2),
  films('shown=adj.[1961-08-01,1961-09-01]', 3),
  films('shown=not.adj.[1961-08-01,1961-09-01]', 1, 2),
  films('search=fts(english).samurai', 2),
  films('search=not.fts(english).samurai', 1, 3, 4, 5),
  films("title=fts(english).cléo | 'angry' %26 !boring", 1, 4),
  films('title=fts(simple).sam:*', 2),
  films('title=plfts.Angry Men', 4),
  films('title=not.plfts(english).angry men', 1, 2, 3, 5),
  films('title=phfts(english).angry men', 4),
  films('title=not.phfts(english).men angry', 1, 2, 3, 4, 5),
  films('search=wfts(english).samurai or "angry men"', 2, 4),
  films('title=not.wfts(french).samurai', 1, 3, 4, 5),
  films('info=fts(simple).c', 2),
  films('info->stars=fts(simple).b', 1),
];

const QUANTIFIED: readonly Row[] = [
  people('id=eq(any).{1,2}', 1, 2),
  people('id=not.eq(any).{1,2}', 3, 4),
  people('id=eq(all).{1,1}', 1),
  people('age=gt(any).{14,25}', 1, 2),
  people('age=gt(all).{14,25}', 1),
  people('age=gte(any).{20,30}', 1, 2),
  people('age=gte(all).{14,20}', 1, 2),
  people('age=lt(any).{15,20}', 3),
  people('age=lt(all).{21,31}', 2, 3),
  people('age=lte(any).{14,20}', 2, 3),
  people('age=lte(all).{14,20}', 3),
  people('last_name=like(any).{D*,B*}', 1, 2, 4),
  people('first_name=like(all).{J*,*n}', 1),
  people('first_name=ilike(any).{jo*,MARY}', 1, 3),
  people('first_name=ilike(all).{J*,*E}', 2),
  people('first_name=match(any).{^J,y$}', 1, 2, 3),
  people('first_name=not.match(all).{^J,n$}', 2, 3, 4),
  people('first_name=imatch(any).{^j}', 1, 2),
  people('first_name=imatch(all).{^j,E$}', 2),
];

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

describe('operators', () => {
  test('each of them, and negated', async () => expectAnswers(data, OPERATORS));

  test('with any and all', async () => expectAnswers(data, QUANTIFIED));

  test('none is left out above', () => {
    const requests = [...OPERATORS, ...QUANTIFIED].map(([request]) => request);
    const wanted = [
      ...[...COMPARISONS, ...TEXT_SEARCHES, 'in'].flatMap((operator) => [`=${operator}`, `=not.${operator}`]),
      ...IS_VALUES.flatMap((value) => [`=is.${value}`, `=not.is.${value}`]),
      ...[...QUANTIFIABLE].flatMap((operator) => [`${operator}(any)`, `${operator}(all)`]),
    ];
    expect(wanted.filter((part) => !requests.some((request) => request.includes(part)))).toEqual([]);
  });
});

test('conditions together', async () => {
  await expectAnswers(data, [
    people('age=gte.18&student=is.true', 2),
    people('age=gte.14&age=lt.30', 2, 3),
    people('or=(age.lt.18,age.gt.21)', 1, 3),
    people('or=(age.lt.18,age.is.null)', 3, 4),
    people('not.and=(age.gte.0,age.lte.20)', 1),
    people('not.or=(age.lt.18,age.gt.21)', 2),
    people('and=(age.gt.10,or(id.eq.1,id.eq.3))', 1, 3),
    people('grade=gte.90&student=is.true&or=(age.eq.14,not.and(age.gte.11,age.lte.17))', 2, 3),
    people('and=(id.not.in.(1,3),or(student.is.true,not.or(age.gt.0,age.lt.0)))', 2),
    people('or=( id.eq.1 , and( id.gt.1 , id.lt.3 ) )', 1, 2),
    people('or=(id.eq.1)', 1),
    people('or=(first_name.like(any).{J*,M*},id.eq.4)', 1, 2, 3, 4),
    films('or=(tags.cs.{paris,"new wave"},tags.ov.{rain})', 1, 2),
    films('or=(shown.ov."[1961-05-01,1961-05-02]",title.fts(english).angry)', 3, 4),
    films('and=(info.cs.{"box":{"usd":300}},title.not.plfts.samurai)', 3),
    films('or=(info->box->>usd.eq.100,info->box->usd.eq.900)', 1, 2),
    ['GET /people?or=()', '400 PGRST100 invalid_query'],
    ['GET /people?or=(id.eq.1', '400 PGRST100 invalid_query'],
    ['GET /people?age=almost.20', '400 PGRST100 invalid_query'],
    ['GET /people?age=neq(any).{1}', '400 PGRST100 invalid_query'],
    ['GET /people?age=is.20', '400 PGRST100 invalid_query'],
  ]);
});

test('paths into JSON, composites and arrays', async () => {
  await expectAnswers(data, [
    [
      'GET /people?select=id,json_data->blood_type&json_data->>blood_type=eq.A-&order=id',
      [
        { id: 1, blood_type: 'A-' },
        { id: 3, blood_type: 'A-' },
      ],
    ],
    ['GET /films?select=id,info->box&info->box->usd=gt.500', [{ id: 2, box: { usd: 900 } }]],
    films('info->box->usd=gte.300', 2, 3),
    films('info->box->>usd=in.(100,300)', 1, 3),
    films('info->>nothing=is.null', 1, 2, 3, 4, 5),
    films('info->stars->>-1=eq.b', 1),
    people('json_data->phones->0->>number=eq.917', 1),
    [
      'GET /countries?select=id,location->>lat,location->>long,primary_language:languages->0&location->lat=gte.19',
      [{ id: 1, lat: '19.741755', long: '-155.844437', primary_language: 'en' }],
    ],
    filtering('countries')('languages->>1=eq.haw', 1),
  ]);
});

test('columns that are called like parameters', async () => {
  const words = ['select', 'order', 'limit', 'offset', 'and', 'or', 'not', 'columns'];
  const data = await createTestData(`
    CREATE TABLE words (id int PRIMARY KEY, ${words.map((word) => `"${word}" int`).join(', ')});
    ALTER TABLE words ENABLE ROW LEVEL SECURITY;
    CREATE POLICY anybody ON words USING (true);
    INSERT INTO words VALUES (1, ${words.map(() => 1).join(', ')}), (2, ${words.map(() => 2).join(', ')});
  `);
  await expectAnswers(data, [
    ...words.map((word) => filtering('words')(`"${word}"=eq.2`, 2)),
    ...words.map((word): Row => [`GET /words?select=${word}&"${word}"=not.gt.1`, [{ [word]: 1 }]]),
    ...words.map((word): Row => [`GET /words?select=id&order="${word}".desc&limit=1`, ids(2)]),
    filtering('words')('or=("or".eq.1,"and".eq.2)', 1, 2),
    filtering('words')('not.and=("not".eq.1,"and".eq.1)', 2),
  ]);
});

test('names and values with characters that mean something', async () => {
  await expectAnswers(data, [
    ['GET /%D9%85%D9%88%D8%A7%D8%B1%D8%AF?id=eq.1', [{ id: 1, اسم: 'ماء' }]],
    ['GET /موارد?اسم=eq.نار&select=id', ids(2)],
    ['GET /Order%20Items?Unit%20Price=lt.200&select=id', ids(1)],
    ['GET /Order Items?"information.cpe"=like.*MS*&select=id,"Unit Price"', [{ id: 1, 'Unit Price': 100 }]],
    ['GET /Order Items?or=("information.cpe".eq.Emacs)&select=id', ids(2)],
    ['GET /Order Items?select="information.cpe"&order="Unit Price".desc&limit=1', [{ 'information.cpe': 'Emacs' }]],
    people('last_name=in.("Hebdon,Williams","Beckett")', 3, 4),
    people('last_name=eq.Hebdon,Williams', 3),
    people('or=(last_name.eq."Hebdon,Williams",first_name.eq."Samuel \\"Sam\\"")', 3, 4),
    people('first_name=in.("Samuel \\"Sam\\"")', 4),
    people('first_name=eq.Samuel "Sam"', 4),
    people('first_name=eq.'),
    people('id=in.()'),
  ]);
});
