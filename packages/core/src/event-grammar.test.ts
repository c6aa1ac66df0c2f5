import { expect, test } from 'vitest';
import { checkEvent, subjectMatcher } from './event-grammar.js';

test('a pattern means its own subject, * one word, and a last > one or more', () => {
  const subjects = ['data', 'data.schema', 'data.schema.public', 'data2.schema', 'jobs.schema', 'jobs.run.done'];
  const meant = (pattern: string) => subjects.filter(subjectMatcher(pattern));
  expect(
    Object.fromEntries(['data', 'data.*', 'data.>', '*.schema', '*.*.done', '*.>', '>'].map((p) => [p, meant(p)])),
  ).toEqual({
    data: ['data'],
    'data.*': ['data.schema'],
    'data.>': ['data.schema', 'data.schema.public'],
    '*.schema': ['data.schema', 'data2.schema', 'jobs.schema'],
    '*.*.done': ['jobs.run.done'],
    '*.>': ['data.schema', 'data.schema.public', 'data2.schema', 'jobs.schema', 'jobs.run.done'],
    '>': subjects,
  });
});

test.each(['', '.', 'data.', '.data', 'data..schema', 'data.>.x', 'da*ta', 'data.s>', 'a b', 'ä', 'x'.repeat(201)])(
  'the pattern %j is refused by name',
  (pattern) => expect(() => subjectMatcher(pattern)).toThrow(RangeError),
);

test.each(['', '*', '>', 'data.*', 'data ', 'data\nschema', 'data#1', 'x'.repeat(201)])(
  'the subject %j is refused',
  (subject) => expect(() => checkEvent(subject, '')).toThrow('a subject is words of [A-Za-z0-9_-]'),
);

test('a payload is at most 1 MiB of UTF-8, has no NUL and no half of a surrogate pair', () => {
  checkEvent('a', 'ä'.repeat(524_288));
  expect(() => checkEvent('a', 'ä'.repeat(524_289))).toThrow('the payload of a has 1048578 bytes; at most 1048576');
  expect(() => checkEvent('a', 'x\0')).toThrow('the payload of a contains NUL');
  checkEvent('a', '\ud83d\ude00');
  for (const half of ['\ud83d', 'x\ude00', '\ude00\ud83d']) {
    expect(() => checkEvent('a', half)).toThrow('the payload of a contains half of a surrogate pair');
  }
});
