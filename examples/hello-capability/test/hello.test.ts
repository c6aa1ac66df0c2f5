import { everyMetricMoves } from '@reactor/testing';
import { expect, test } from 'vitest';
import { helloSection } from '../src/index.js';
import { helloForTest } from './support.js';

test('greets, and counts', async () => {
  const hello = (await helloForTest()).create();
  const greet = () => hello.routes.request('/greetings', { method: 'POST' });
  expect(await (await greet()).json()).toEqual({ text: 'Hello, visitor 1!', visitor: 1 });
  expect(await (await greet()).json()).toEqual({ text: 'Hello, visitor 2!', visitor: 2 });
  await everyMetricMoves(hello.metrics, { reactor_hello_greetings_total: greet });
});

test('a greeting has words', () => {
  expect(() => helloSection.parse({ greeting: '' })).toThrow('hello.greeting');
});
