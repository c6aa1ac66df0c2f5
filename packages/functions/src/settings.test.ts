import { describe, expect, it } from 'vitest';
import { parseSettings } from './settings.js';

const DEFAULTS = { entry: 'index.ts', timeoutMs: 30_000, maxInstances: 8 };

const UNSAID = {
  entry: 'index.ts',
  access: 'users',
  limits: { timeoutMs: 30_000, memoryMb: 256, maxBodyInMb: 5, maxBodyOutMb: 6 },
  concurrency: { maxInstances: 8, maxConcurrency: 50 },
  forwardAuthorization: false,
  service: false,
};

describe('function.json', () => {
  it.each<[string, unknown, unknown]>([
    ['says nothing', {}, UNSAID],
    ['says nothing of its tables', { limits: {}, concurrency: {} }, UNSAID],
    [
      'says 0',
      {
        limits: { timeout_ms: 0, memory_mb: 0, max_body_in_mb: 0, max_body_out_mb: 0 },
        concurrency: { max_instances: 0, max_concurrency: 0 },
      },
      UNSAID,
    ],
    [
      'says all',
      {
        entry: 'src/main.mjs',
        access: 'public',
        limits: { timeout_ms: 300_000, memory_mb: 2048, max_body_in_mb: 1024, max_body_out_mb: 1024 },
        concurrency: { max_instances: 3, max_concurrency: 1000 },
        forward_authorization: true,
        service: true,
      },
      {
        entry: 'src/main.mjs',
        access: 'public',
        limits: { timeoutMs: 300_000, memoryMb: 2048, maxBodyInMb: 1024, maxBodyOutMb: 1024 },
        concurrency: { maxInstances: 3, maxConcurrency: 1000 },
        forwardAuthorization: true,
        service: true,
      },
    ],
    [
      'asks for the least',
      { limits: { timeout_ms: 1, memory_mb: 64, max_body_in_mb: 1, max_body_out_mb: 1 } },
      { ...UNSAID, limits: { timeoutMs: 1, memoryMb: 64, maxBodyInMb: 1, maxBodyOutMb: 1 } },
    ],
    ['asks for more processes than the server allows', { concurrency: { max_instances: 64 } }, UNSAID],
  ])('%s', (_, json, expected) => {
    expect(parseSettings(json, DEFAULTS)).toEqual(expected);
  });

  it.each<[unknown, string]>([
    [null, 'must be an object'],
    [[], 'must be an object'],
    ['x', 'must be an object'],
    [{ entrypoint: 'x.ts' }, 'entrypoint: unknown key; known keys: entry, access, limits, concurrency'],
    [{ acess: 'users' }, 'acess: unknown key; did you mean access?'],
    [{ limits: { timeout: 1 } }, 'limits.timeout: unknown key; '],
    [{ limits: { colour: 1 } }, 'known keys: timeout_ms, memory_mb, max_body_in_mb, max_body_out_mb'],
    [{ access: 'everyone' }, 'access: '],
    [{ limits: { timeout_ms: 300_001 } }, 'limits.timeout_ms: must be a whole number from 1 to 300000, or 0'],
    [{ limits: { timeout_ms: -1 } }, 'limits.timeout_ms: '],
    [{ limits: { timeout_ms: 1.5 } }, 'limits.timeout_ms: '],
    [{ limits: { timeout_ms: '1' } }, 'limits.timeout_ms: '],
    [{ limits: { timeout_ms: null } }, 'limits.timeout_ms: '],
    [{ limits: { memory_mb: 63 } }, 'limits.memory_mb: must be a whole number from 64 to 2048, or 0'],
    [{ limits: { memory_mb: 2049 } }, 'limits.memory_mb: '],
    [{ limits: { max_body_in_mb: 1025 } }, 'limits.max_body_in_mb: '],
    [{ limits: { max_body_out_mb: 1025 } }, 'limits.max_body_out_mb: '],
    [{ concurrency: { max_concurrency: 1001 } }, 'concurrency.max_concurrency: '],
    [{ concurrency: { max_instances: 65 } }, 'concurrency.max_instances: '],
    [{ service: 'yes' }, 'service: '],
    [{ forward_authorization: 1 }, 'forward_authorization: '],
    [{ entry: '' }, 'entry: must be the path of a file'],
    [{ entry: '../index.ts' }, 'entry: '],
    [{ entry: '/index.ts' }, 'entry: '],
    [{ entry: './index.ts' }, 'entry: '],
    [{ entry: 'a//b.ts' }, 'entry: '],
    [{ entry: 'a\\b.ts' }, 'entry: '],
    [{ entry: 'a\0.ts' }, 'entry: '],
    [{ entry: 'index.py' }, 'entry: '],
    [{ entry: '.ts' }, 'entry: '],
    [{ entry: `${'a'.repeat(600)}.ts` }, 'entry: '],
  ])('is refused: %j', (json, message) => {
    expect(() => parseSettings(json, DEFAULTS)).toThrow(
      expect.objectContaining({
        code: 'bundle_invalid',
        message: expect.stringContaining(message),
        details: [expect.objectContaining({ file: 'function.json' })],
      }),
    );
  });

  it('names all that is wrong with it', () => {
    expect(() => parseSettings({ access: 1, service: 1, x: 1 }, DEFAULTS)).toThrow(
      expect.objectContaining({ details: [expect.anything(), expect.anything(), expect.anything()] }),
    );
  });
});
