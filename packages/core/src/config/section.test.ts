import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, defineSection, maskSecrets } from './index.js';

const section = defineSection({
  name: 'storage',
  schema: z
    .strictObject({
      max_bytes: z.int('must be a whole number').default(10),
      s3: z
        .strictObject({
          bucket: z.string('must be a name'),
          key: z.string().meta({ secret: true }).optional(),
          retry: z.strictObject({ max: z.int('must be a whole number').default(3) }).prefault({}),
        })
        .optional(),
      labels: z.record(z.string(), z.string('must be text')).default({}),
      mirrors: z.array(z.strictObject({ url: z.string(), token: z.string().meta({ secret: true }) })).default([]),
    })
    .refine(({ max_bytes, s3 }) => s3 === undefined || max_bytes > 1, {
      path: ['max_bytes'],
      message: 'must be more than 1 with [storage.s3]',
    }),
  toConfig: ({ max_bytes, s3 }) => ({ maxBytes: max_bytes, retries: s3?.retry.max }),
});

function problems(values: unknown): readonly string[] {
  try {
    section.parse(values);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
  return [];
}

test('values become what code takes, absent ones their defaults, at any depth', () => {
  expect(section.parse(undefined)).toEqual({ maxBytes: 10, retries: undefined });
  expect(section.parse({ max_bytes: 2, s3: { bucket: 'b' } })).toEqual({ maxBytes: 2, retries: 3 });
});

test.each<[unknown, string]>([
  ['fs', 'storage: Invalid input: expected object, received string'],
  [{ max_bytes: '1' }, 'storage.max_bytes: must be a whole number'],
  [{ max_bytes: 1, s3: { bucket: 'b' } }, 'storage.max_bytes: must be more than 1 with [storage.s3]'],
  [{ s3: {} }, 'storage.s3.bucket: must be a name'],
  [{ s3: { bucket: 'b', retry: { max: 1.5 } } }, 'storage.s3.retry.max: must be a whole number'],
  [{ s3: { bucket: 'b', retry: { mx: 1 } } }, 'storage.s3.retry.mx: unknown key; did you mean storage.s3.retry.max?'],
  [{ s3: { bucket: 'b', zone: 1 } }, 'storage.s3.zone: unknown key; known keys: bucket, key, retry'],
  [{ labels: { 'My.Key': 1 } }, 'storage.labels."My.Key": must be text'],
  [
    { mirrors: [{ url: 'u', token: 't', tokn: 't' }] },
    'storage.mirrors.0.tokn: unknown key; did you mean storage.mirrors.0.token?',
  ],
])('%j is refused by its whole path', (values, problem) => {
  expect(problems(values)).toEqual([problem]);
});

test('all problems come at once', () => {
  expect(problems({ max_byte: 1, s3: { retry: 7 } }).map((problem) => problem.split(':')[0])).toEqual([
    'storage.s3.bucket',
    'storage.s3.retry',
    'storage.max_byte',
  ]);
});

test('secrets are masked wherever they are', () => {
  const values = {
    max_bytes: 1,
    s3: { bucket: 'b', key: 'k' },
    mirrors: [{ url: 'u', token: 't' }],
    labels: { a: 'b' },
  };
  expect(maskSecrets(section.schema, values)).toEqual({
    ...values,
    s3: { bucket: 'b', key: '********' },
    mirrors: [{ url: 'u', token: '********' }],
  });
});

const secret = z.string().meta({ secret: true });
test.each<[string, z.ZodType, unknown, unknown]>([
  ['with a default', secret.default('x'), 's', '********'],
  [
    'told apart by a key',
    z.union([z.strictObject({ a: z.string() }), z.strictObject({ b: secret })]),
    { b: 's' },
    { b: '********' },
  ],
  ['under names of the user', z.record(z.string(), secret), { MyKey: 's' }, { MyKey: '********' }],
  ['in a list', z.array(secret), ['s', 't'], ['********', '********']],
  ['in a fixed list', z.tuple([z.string(), secret]), ['a', 's'], ['a', '********']],
  ['a whole table', z.strictObject({ a: z.string() }).meta({ secret: true }), { a: 's' }, '********'],
  [
    'of two together',
    z.intersection(z.object({ a: z.string() }), z.object({ b: secret })),
    { a: '1', b: 's' },
    { a: '1', b: '********' },
  ],
  ['turned into something', secret.transform((text) => text), 's', '********'],
  ['of a type that names itself', z.lazy(() => secret), 's', '********'],
  ['that is not set', z.strictObject({ a: secret.optional() }), { a: undefined }, { a: undefined }],
])('a secret %s is masked', (_, type, value, shown) => {
  expect(maskSecrets(type, value)).toEqual(shown);
});
