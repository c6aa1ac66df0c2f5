import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { coreErrors, defineErrors, ReactorError } from './errors.js';

const errors = defineErrors({ bucket_full: { status: 507, when: 'The bucket has no room.' } });

test('a declared code becomes a constructor with its status', () => {
  const cause = new Error('disk');
  const error = errors.create.bucket_full('No room in "a".', { cause, details: { free: 0 } });
  expect(error).toBeInstanceOf(ReactorError);
  expect(error).toMatchObject({ code: 'bucket_full', status: 507, cause });
  expect(error.toEnvelope('r-1')).toEqual({
    error: { code: 'bucket_full', message: 'No room in "a".', status: 507, request_id: 'r-1', details: { free: 0 } },
  });
});

test('Hono renders it without any error handler of ours', async () => {
  const app = new Hono().get('/', () => {
    throw coreErrors.create.too_many_requests('Slow down.', { headers: { 'Retry-After': '3' } });
  });
  const response = await app.request('/');
  expect(response.status).toBe(429);
  expect(response.headers.get('Retry-After')).toBe('3');
  expect(await response.json()).toEqual({
    error: { code: 'too_many_requests', message: 'Slow down.', status: 429 },
  });
});
