import { expect, test } from 'vitest';
import { VerifiedTokens } from './verified-tokens.js';

const principal = { kind: 'system' } as const;

test('what is remembered is bounded, and forgotten with its keys', () => {
  const verified = new VerifiedTokens();
  const [keys, others] = [{}, {}];
  for (let i = 0; i < 5_000; i++) verified.remember(`token ${i}`, keys, { principal, expiresAt: 10 });
  const isKnown = (token: string, under: object | undefined) => verified.find(token, under, 9_999) !== undefined;
  const known = Array.from({ length: 5_000 }, (_, i) => isKnown(`token ${i}`, keys));
  expect([known.filter(Boolean).length, known[0], known[4_999]]).toEqual([4_096, false, true]);
  expect([isKnown('token 4999', others), isKnown('token 4999', undefined)]).toEqual([false, false]);
  verified.remember('token', others, { principal, expiresAt: 10 });
  expect([isKnown('token', others), isKnown('token 4999', keys)]).toEqual([true, false]);
});

test('it is good until the second in which it ends', () => {
  const verified = new VerifiedTokens();
  const keys = {};
  verified.remember('token', keys, { principal, expiresAt: 10 });
  expect([9_999, 10_000].map((now) => verified.find('token', keys, now))).toEqual([principal, undefined]);
});
