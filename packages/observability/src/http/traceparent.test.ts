import { expect, test } from 'vitest';
import { traceIdFrom } from './traceparent.js';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';

test.each([
  [`00-${trace}-${parent}-01`, trace],
  [`00-${trace}-${parent}-00`, trace],
  [`cc-${trace}-${parent}-01-what-the-future-brings`, trace],
  [`00-${trace}-${parent}-01-more`, undefined],
  [`ff-${trace}-${parent}-01`, undefined],
  [`00-${'0'.repeat(32)}-${parent}-01`, undefined],
  [`00-${trace}-${'0'.repeat(16)}-01`, undefined],
  [`00-${trace.toUpperCase()}-${parent}-01`, undefined],
  [`00-${trace}-${parent}`, undefined],
  ['', undefined],
  [undefined, undefined],
])('%s', (header, expected) => {
  expect(traceIdFrom(header)).toBe(expected);
});
