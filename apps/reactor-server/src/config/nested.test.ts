import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError, defineSection } from '@reactor/core';
import { temporaryDirectory } from '@reactor/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { renderConfig } from '../commands/check-config.js';
import { type LoadedConfig, loadConfig } from './load.js';
import { projectSection } from './sections.js';

/** Tables in tables, names of the user's own, and a secret at each depth. */
const files = defineSection({
  name: 'files',
  schema: z.strictObject({
    s3: z
      .strictObject({
        bucket: z.string('must be a name').min(1),
        key: z.string().meta({ secret: true }).optional(),
        regions: z.array(z.string()).optional(),
        retry: z
          .strictObject({
            max: z.int('must be a whole number').max(9, 'must be at most 9').default(2),
            jitter: z.boolean().optional(),
          })
          .prefault({}),
      })
      .optional(),
    mirrors: z.array(z.strictObject({ url: z.string(), token: z.string().meta({ secret: true }) })).optional(),
  }),
  devDefaults: { s3: { bucket: 'of-dev', retry: { max: 1 } } },
  toConfig: (values) => values,
});
const handlers = defineSection({
  name: 'handlers',
  schema: z.strictObject({
    env: z.record(z.string(), z.string()).default({}),
    secrets: z.record(z.string(), z.string().meta({ secret: true })).optional(),
    pools: z.record(z.string(), z.strictObject({ max_idle: z.int().optional() })).optional(),
  }),
  toConfig: (values) => values,
});

async function load(file: string, environment: NodeJS.ProcessEnv = {}): Promise<LoadedConfig> {
  const directory = await temporaryDirectory();
  await writeFile(path.join(directory, 'Reactor.toml'), file);
  return loadConfig({
    flags: {},
    environment,
    directory,
    sections: [projectSection],
    capabilities: [files, handlers],
    defaultsWithoutFile: {},
  });
}

async function problems(file: string, environment?: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const error: unknown = await load(file, environment).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).problems;
}

const FILE = `
[files.s3]
bucket = "b"
key = "from-file"
[files.s3.retry]
max = 4
[[files.mirrors]]
url = "u"
token = "nested-secret"
[handlers.env]
MyKey = "1"
"dotted.Key" = "2"
[handlers.secrets]
Stripe = "nested-secret"
`;

test('every table of the file is read, and names of the user keep their case', async () => {
  const { values } = await load(FILE);
  expect(values.files).toEqual({
    s3: { bucket: 'b', key: 'from-file', retry: { max: 4 } },
    mirrors: [{ url: 'u', token: 'nested-secret' }],
  });
  expect(values.handlers).toMatchObject({ env: { MyKey: '1', 'dotted.Key': '2' } });
});

test('a variable sets one key of any depth, beside what the file has', async () => {
  const { values } = await load(FILE, {
    REACTOR_FILES__S3__RETRY__MAX: '3',
    REACTOR_FILES__S3__RETRY__JITTER: 'true',
    REACTOR_FILES__S3__REGIONS: 'eu, us',
    REACTOR_HANDLERS__ENV__MyKey: 'one',
    REACTOR_HANDLERS__ENV__OTHER__KEY: '007',
    REACTOR_HANDLERS__POOLS__Fast__MAX_IDLE: '5',
  });
  expect(values.files?.s3).toEqual({
    bucket: 'b',
    key: 'from-file',
    regions: ['eu', 'us'],
    retry: { max: 3, jitter: true },
  });
  expect(values.handlers).toMatchObject({
    env: { MyKey: 'one', OTHER__KEY: '007', 'dotted.Key': '2' },
    pools: { Fast: { max_idle: 5 } },
  });
});

test('a variable with a whole table replaces that of the file, and a deeper one is laid over it', async () => {
  const { values } = await load(FILE, {
    REACTOR_FILES__S3__RETRY__MAX: '3',
    REACTOR_FILES__S3: '{"bucket":"json","retry":{"max":8,"jitter":false}}',
  });
  expect(values.files?.s3).toEqual({ bucket: 'json', retry: { max: 3, jitter: false } });
});

test('defaults of dev reach into tables', async () => {
  const { values } = await load('[project]\nenv = "dev"\n[files.s3.retry]\njitter = true\n');
  expect(values.files?.s3).toEqual({ bucket: 'of-dev', retry: { max: 1, jitter: true } });
  expect((await load('[files]\n')).values.files).toEqual({});
});

test('check-config shows every key with its origin, and no secret', async () => {
  const environment = { REACTOR_FILES__S3__RETRY__MAX: '3', KEY: 'nested-secret' };
  const text = renderConfig(await load(FILE.replace('from-file', '{{ env KEY }}'), environment));
  expect(text).not.toContain('nested-secret');
  const lines = text.split('\n').map((line) => line.replace(/ +#/, ' #'));
  expect(lines.slice(2, -1)).toEqual([
    'files.s3.bucket = "b" # Reactor.toml',
    'files.s3.key = "********" # Reactor.toml (env KEY)',
    'files.s3.retry.max = 3 # environment REACTOR_FILES__S3__RETRY__MAX',
    'files.mirrors = [{ url = "u", token = "********" }] # Reactor.toml',
    'handlers.env.MyKey = "1" # Reactor.toml',
    'handlers.env."dotted.Key" = "2" # Reactor.toml',
    'handlers.secrets.Stripe = "********" # Reactor.toml',
  ]);
});

test.each<[string, NodeJS.ProcessEnv, readonly string[]]>([
  ['[files.s3]\nbuckt = "b"', {}, ['files.s3.buckt: unknown key (Reactor.toml); did you mean files.s3.bucket?']],
  [
    '[files.s3]\nbucket = "b"\nretry.mx = 1',
    {},
    ['files.s3.retry.mx: unknown key (Reactor.toml); did you mean files.s3.retry.max?'],
  ],
  ['[files.s3]\nbucket = "b"\nretry.max = 10', {}, ['files.s3.retry.max: must be at most 9 (Reactor.toml)']],
  [
    '[files.s3]\nbucket = "b"\nretry = 5',
    {},
    ['files.s3.retry: Invalid input: expected object, received number (Reactor.toml)'],
  ],
  [
    '[files]',
    { REACTOR_FILES__S3__RETRY__MX: '1' },
    ['files.s3.retry.mx: unknown key (environment REACTOR_FILES__S3__RETRY__MX); did you mean files.s3.retry.max?'],
  ],
  [
    '[files]',
    { REACTOR_FILES__MIRRORS__URL: '1' },
    ['files.mirrors.url: unknown key (environment REACTOR_FILES__MIRRORS__URL); files.mirrors is not a table'],
  ],
  [
    '[files]\nmirrors = [{ url = "u", tokn = "t" }]',
    {},
    [
      'files.mirrors.0.token: required, and not set; set it in Reactor.toml or as REACTOR_FILES__MIRRORS',
      'files.mirrors.0.tokn: unknown key; did you mean files.mirrors.0.token? (Reactor.toml)',
    ],
  ],
  [
    '[files.s3]\nkey = "k"',
    {},
    ['files.s3.bucket: required, and not set; set it in Reactor.toml or as REACTOR_FILES__S3__BUCKET'],
  ],
  ['files = 5', {}, ['[files]: must be a table (Reactor.toml)']],
  ['[[files]]', {}, ['[files]: must be a table (Reactor.toml)']],
  [
    '[handlers.env]\nMyKey = 1',
    {},
    ['handlers.env.MyKey: Invalid input: expected string, received number (Reactor.toml)'],
  ],
  [
    '[handlers]',
    { REACTOR_HANDLERS__ENV____proto__: 'x' },
    ['handlers.env.__proto__: not accepted as a name (environment REACTOR_HANDLERS__ENV____proto__)'],
  ],
  [
    '[files]\n[files.s3]\nbucket = "env:NOWHERE"',
    {},
    ['files.s3.bucket: environment variable NOWHERE is not set (Reactor.toml)'],
  ],
])('%s with %j is refused by its whole path', async (file, environment, expected) => {
  expect(await problems(`${file}\n`, environment)).toEqual(expected);
});
