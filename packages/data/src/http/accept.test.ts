import { expect, test } from 'vitest';
import { chooseMedia, type Media } from './accept.js';

function brief(media: Media): string {
  if (media.kind === 'plan') return `${media.contentType} | ${media.explainOptions} | ${brief(media.rows)}`;
  return `${media.format}${media.stripNulls ? ' stripped' : ''} ${media.contentType}`;
}

const JSON_ARRAY = 'array application/json; charset=utf-8';
const CSV = 'csv text/csv; charset=utf-8';

test.each([
  [null, JSON_ARRAY],
  ['', JSON_ARRAY],
  ['*/*', JSON_ARRAY],
  ['application/json; charset=utf-8', JSON_ARRAY],
  ['text/html, application/xml;q=0.9, */*;q=0.8', JSON_ARRAY],
  ['text/csv', CSV],
  ['application/json;q=0.5, Text/CSV', CSV],
  ['application/json;q=0, text/csv;q=0.1', CSV],
  ['application/vnd.pgrst.object+json', 'object application/vnd.pgrst.object+json; charset=utf-8'],
  [
    'application/vnd.pgrst.object+json;nulls=stripped',
    'object stripped application/vnd.pgrst.object+json; nulls=stripped; charset=utf-8',
  ],
  [
    'application/vnd.pgrst.array+json;nulls=stripped',
    'array stripped application/vnd.pgrst.array+json; nulls=stripped; charset=utf-8',
  ],
  [
    'application/vnd.pgrst.plan+json; for="application/vnd.pgrst.object+json"; options=analyze|verbose;',
    'application/vnd.pgrst.plan+json; charset=utf-8 | ANALYZE, VERBOSE, FORMAT JSON | object application/vnd.pgrst.object+json; charset=utf-8',
  ],
  ['application/vnd.pgrst.plan', `application/vnd.pgrst.plan+text; charset=utf-8 | FORMAT TEXT | ${JSON_ARRAY}`],
])('%j', (header, expected) => {
  expect(brief(chooseMedia(header, { planEnabled: true }))).toBe(expected);
});

test.each([
  'text/html',
  'application/geo+json',
  'application/json;q=0',
  'application/vnd.pgrst.plan; options=format json',
  'application/vnd.pgrst.plan+json; for="application/vnd.pgrst.plan"',
])('refuses %j', (header) => {
  expect(() => chooseMedia(header, { planEnabled: true })).toThrow('None of these media types');
});

test('answers plans only when told so', () => {
  expect(() => chooseMedia('application/vnd.pgrst.plan', { planEnabled: false })).toThrow('None of these media types');
});

test('is linear in the length of the header', () => {
  for (const piece of [',', '"', '";', 'a;b="', ';q=1', '\\"', ' ;', 'x;y']) {
    const started = performance.now();
    try {
      chooseMedia(piece.repeat(100_000), { planEnabled: true });
    } catch {}
    expect(performance.now() - started, piece).toBeLessThan(2_000);
  }
});
