import { expect, it } from 'vitest';
import { contentGuards, parseContentType } from './content-type.js';

const ACCEPTED = [
  'image/png',
  'TEXT/HTML',
  'image/svg+xml',
  'application/vnd.api+json',
  'text/plain; charset=utf-8',
  'text/plain;charset="a b"',
  'text/plain; a="\\"x\\\\"; b=c',
  'text/plain; a="x, y; z"',
  'text/plain;',
  'text/plain ; ;charset=utf-8; ',
  'text/plain\t;\tq=1',
  'x/y ;z=1',
  "x/y; a='b'",
  `a/${'b'.repeat(253)}`,
];

const REFUSED = [
  ['png', 'begins with "png", which is not type/subtype'],
  ['image/', 'begins with "image/"'],
  ['/png', 'begins with "/png"'],
  ['image/png/x', 'begins with "image/png/x"'],
  ['*/*', 'begins with "*/*"'],
  ['text/*', 'begins with "text/*"'],
  [';', 'begins with ""'],
  [' text/html', 'begins with ""'],
  ['a b/c', 'begins with "a"'],
  ['text/html\u0001', 'begins with "text/html\\u0001"'],
  ['text/html\u00e4', 'begins with "text/html\u00e4"'],
  ['text/plain, text/html', 'names more than one type'],
  ['text/plain,text/html', 'names more than one type'],
  ['application/pdf;x=1, text/html', 'names more than one type'],
  ['application/pdf; x="1", text/html', 'names more than one type'],
  ['application/pdf; , text/html', 'names more than one type'],
  ['application/pdf ,text/html', 'names more than one type'],
  ['application/pdf text/html', 'has "text/html" where only a parameter'],
  ['text/plain; charset', 'has "charset" where only a parameter'],
  ['text/plain; charset=', 'has "charset=" where only a parameter'],
  ['text/plain; charset = utf-8', 'has "charset = utf-8" where only a parameter'],
  ['text/plain; =x', 'has "=x" where only a parameter'],
  ['text/plain; a="x', 'has "a=\\"x" where only a parameter'],
  ['text/plain; a="x"y', 'has "y" where only a parameter'],
  ['text/plain; a="\\"', 'has "a='],
  ['text/plain; a=b c', 'has "c" where only a parameter'],
  ['text/plain; a=\u00e4', 'has "a='],
  ['text/plain; a="\u00e4"', 'has "a='],
  ['text/plain; a="\u0000"', 'has "a='],
  ['text/plain; a=<script>', 'has "a='],
  [`a/${'b'.repeat(254)}`, 'has more than 255 characters'],
] as const;

it('keeps a media type as it is sent', () => {
  expect(ACCEPTED.map((header) => parseContentType(header))).toEqual(ACCEPTED);
});

it.each([undefined, ''])('takes %j for bytes', (header) => {
  expect(parseContentType(header)).toBe('application/octet-stream');
});

it('refuses anything else, and says what is wrong', () => {
  const said = REFUSED.map(([header, problem]) => {
    try {
      return [header, `kept ${parseContentType(header)}`];
    } catch (error) {
      const { message } = error as Error;
      return [header, message.startsWith(`Content-Type ${problem}`) ? problem : message];
    }
  });
  expect(said).toEqual(REFUSED);
});

it('puts everything into a sandbox that is not the literal PDF', () => {
  const types = [
    'text/html',
    'TEXT/HTML',
    'image/svg+xml',
    'application/xhtml+xml',
    'image/png',
    'application/pdfx',
    'application/PDF',
    'application/pdf;x=1',
    'application/pdf, text/html',
    'application/pdf ',
  ];
  const sandboxed = (type: string) => contentGuards(type, false)['Content-Security-Policy'] === 'sandbox';
  expect(types.filter((type) => !sandboxed(type))).toEqual([]);
  expect(contentGuards('application/pdf', false)).toEqual({
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
  });
});

it('lets other sites show what is public', () => {
  expect(contentGuards('image/png', true)['Cross-Origin-Resource-Policy']).toBe('cross-origin');
});
