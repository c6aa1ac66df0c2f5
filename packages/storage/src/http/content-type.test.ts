import { expect, it } from 'vitest';
import { contentGuards, parseContentType } from './content-type.js';

it.each(['image/png', 'text/plain; charset=utf-8', 'text/plain;charset="a b"', 'application/vnd.api+json', 'x/y ;z=1'])(
  'keeps %s',
  (header) => {
    expect(parseContentType(header)).toBe(header);
  },
);

it.each([undefined, ''])('takes %j for bytes', (header) => {
  expect(parseContentType(header)).toBe('application/octet-stream');
});

it.each([
  'png',
  'image/',
  '/png',
  'image/png/x',
  'a b/c',
  'text/plain; \u00e4',
  'text/html\u0001',
  `a/${'b'.repeat(254)}`,
])('refuses %j', (header) => {
  expect(() => parseContentType(header)).toThrow(/Content-Type must be a media type/);
});

it.each(['text/html', 'TEXT/HTML', 'image/svg+xml', 'application/xhtml+xml', 'application/pdfx', 'image/png'])(
  'puts %s into a sandbox',
  (type) => {
    expect(contentGuards(type)).toEqual({ 'Content-Security-Policy': 'sandbox', 'X-Content-Type-Options': 'nosniff' });
  },
);

it.each(['application/pdf', 'application/PDF; x=y'])('lets browsers show %s', (type) => {
  expect(contentGuards(type)).toEqual({ 'X-Content-Type-Options': 'nosniff' });
});
