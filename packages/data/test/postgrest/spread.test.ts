import { test } from 'vitest';
import { expectAnswers } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('of one row: its columns move up', async () => {
  await expectAnswers(data, [
    [
      'GET /films?select=title,...directors(director_last_name:last_name)&title=like.*Samurai*',
      [{ title: 'Seven Samurai', director_last_name: 'Kurosawa' }],
    ],
    ['GET /films?select=id,...directors(last_name)&id=eq.5', [{ id: 5, last_name: null }]],
    ['GET /films?select=id,...technical_specs(camera)&id=eq.1', [{ id: 1, camera: 'Caméflex' }]],
    [
      'GET /roles?select=character,...films(title,...directors(by:last_name))&film_id=eq.2',
      [{ character: 'Kikuchiyo', title: 'Seven Samurai', by: 'Kurosawa' }],
    ],
    [
      'GET /films?select=id,...directors(name:last_name,films(id))&id=eq.1',
      [{ id: 1, name: 'Varda', films: [{ id: 1 }] }],
    ],
    [
      'GET /films?select=title,actors:roles(character,...actors(name))&id=eq.4',
      [{ title: '12 Angry Men', actors: [{ character: 'Juror 8', name: 'Henry' }] }],
    ],
    [
      'GET /films?select=id,...directors!inner(last_name)&directors.last_name=eq.Lumet',
      [{ id: 4, last_name: 'Lumet' }],
    ],
    ['GET /orders?select=id,...addresses!orders_billing(city)&id=eq.1', [{ id: 1, city: 'Paris' }]],
    [
      'GET /directors?select=last_name,...mentor_id(mentor:last_name)&id=eq.3',
      [{ last_name: 'Lumet', mentor: 'Kurosawa' }],
    ],
    ['GET /people?select=id,...films(id)', '400 PGRST200 relationship_not_found'],
  ]);
});

test('of a list: its columns become lists that belong together', async () => {
  await expectAnswers(data, [
    [
      'GET /directors?select=last_name,...films(film_titles:title,film_years:year)&films.order=year.desc&id=eq.2',
      [
        {
          last_name: 'Kurosawa',
          film_titles: ['Yojimbo, "the bodyguard"', 'Seven Samurai'],
          film_years: [1961, 1954],
        },
      ],
    ],
    ['GET /actors?select=name,...films(titles:title)&id=eq.4', [{ name: 'Nobody', titles: [] }]],
    ['GET /actors?select=name,...films(year)&films.year=lt.1960&id=eq.2', [{ name: 'Toshiro', year: [1954] }]],
    ['GET /actors?select=name,...films(*)&id=eq.9', []],
    [
      'GET /directors?select=last_name,...films(titles:title,...technical_specs(cameras:camera),...roles(characters:character))&id=eq.2&films.order=year',
      [
        {
          last_name: 'Kurosawa',
          titles: ['Seven Samurai', 'Yojimbo, "the bodyguard"'],
          cameras: [null, null],
          characters: [['Kikuchiyo'], ['Sanjuro']],
        },
      ],
    ],
    [
      'GET /directors?select=...films(id,technical_specs(camera),roles(character))&id=eq.1',
      [{ id: [1], technical_specs: [{ camera: 'Caméflex' }], roles: [[{ character: 'Cléo' }]] }],
    ],
    [
      'GET /films?select=id,directors(...films(titles:title))&id=eq.1',
      [{ id: 1, directors: { titles: ['Cléo from 5 to 7'] } }],
    ],
    ['GET /competitions?select=...films(...directors(by:last_name))&id=eq.1', [{ by: ['Varda'] }]],
  ]);
});
