import { test } from 'vitest';
import { expectAnswers, filtering, ids } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

const films = filtering('films');

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('groups after eq', async () => {
  await expectAnswers(data, [
    films('or=eq.(id.eq.1,year.lt.1955)', 1, 2),
    films('and=eq.(id.gt.1,or(id.eq.3,id.eq.1))', 3),
    ['GET /directors?select=id,films(id)&id=eq.2&films.or=eq.(id.eq.3,id.eq.4)', [{ id: 2, films: ids(3) }]],
    films('or=(id.eq.1)&or=eq.(id.eq.1,id.eq.2)', 1),
    ['GET /films?or=eq.id.eq.1', '400 PGRST100 invalid_query'],
  ]);
});

test('arrays in parentheses, where the column is an array', async () => {
  await expectAnswers(data, [
    films('tags=cs.(sword,rain)', 2),
    films('tags=cs.(paris,"new wave")', 1),
    films('tags=cd.(sword,rain)', 2, 3, 4, 5),
    films('tags=not.ov.(rain,paris)', 3, 4, 5),
    films('tags=ov.()'),
    films('shown=ov.(1961-05-01,1961-05-03)', 3),
    ['GET /films?tags=eq.(sword)', '400 22P02 invalid_value'],
  ]);
});

test('kinds of text search by their names', async () => {
  await expectAnswers(data, [
    films('title=fts.plain:angry men', 4),
    films('title=fts.simple:plain:ANGRY men', 4),
    films('title=fts.english:phrase:angry men', 4),
    films('title=fts.phrase:men angry'),
    films('title=not.fts.english:websearch:samurai or yojimbo', 1, 4, 5),
    films('or=(title.fts.websearch:samurai,id.eq.1)', 1, 2),
    // What follows are the weights of a lexeme, as to_tsquery has them.
    films('title=fts(simple).angry:*', 4),
    films('title=fts.plain:ab'),
    films('title=fts.phrase:*'),
    ['GET /films?title=fts.klingon:plain:q', '400 42704 statement_rejected'],
  ]);
});

test('pages of what is embedded by header', async () => {
  const page = (headers: Record<string, string>) => ({ headers });
  await expectAnswers(data, [
    [
      'GET /directors?select=id,films(id)&films.order=id&id=eq.2',
      [{ id: 2, films: ids(2) }],
      page({ 'films-limit': '1' }),
    ],
    [
      'GET /directors?select=id,films(id)&films.order=id&id=eq.2',
      [{ id: 2, films: ids(3) }],
      page({ 'films-limit': '1', 'films-offset': '1' }),
    ],
    [
      'GET /directors?select=id,"no token":films(id)&id=eq.1',
      [{ id: 1, 'no token': ids(1) }],
      page({ 'films-limit': '0' }),
    ],
    ['GET /directors?select=id,films(id)', '400 PGRST100 invalid_query', page({ 'films-limit': 'few' })],
    ['GET /directors?select=id&id=eq.1', ids(1), page({ 'films-limit': 'few' })],
  ]);
});

test('the conflict target among the preferences', async () => {
  const headers = { Prefer: 'resolution=merge-duplicates,on_conflict=film_id,actor_id,return=representation' };
  await expectAnswers(await createTestData(CINEMA), [
    [
      'POST /roles?select=character',
      [{ character: 'Cleo' }],
      { body: { film_id: 1, actor_id: 1, character: 'Cleo' }, headers },
    ],
  ]);
});
