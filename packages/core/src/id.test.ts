import { expect, test } from 'vitest';
import { uuidv7 } from './id.js';

test('has version 7, the RFC variant and the time it was made', () => {
  const id = uuidv7(4_102_444_800_000);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(4_102_444_800_000);
});

test('sorts by making, also within a millisecond and when the clock goes back', () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => uuidv7(4_102_444_800_001 - (i % 3)));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});
