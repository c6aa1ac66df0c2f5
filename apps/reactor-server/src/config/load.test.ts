import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from '@reactor/core';
import { temporaryDirectory } from '@reactor/testing';
import { expect, test } from 'vitest';
import { CAPABILITIES } from '../capabilities.js';
import { SERVER_SECTIONS } from './sections.js';
import { readSettings } from './settings.js';

const NAMES = CAPABILITIES.map(({ section }) => section.name);
const KNOWN = [...SERVER_SECTIONS.map(({ name }) => name), ...NAMES].join(', ');
const SECRET = 'a-secret-of-more-than-thirty-two-characters';

interface Given {
  readonly file?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly flags?: Record<string, string>;
}

async function read({ file, environment = {}, flags = {} }: Given) {
  const directory = await temporaryDirectory();
  if (file !== undefined) await writeFile(path.join(directory, 'Reactor.toml'), file);
  return {
    directory,
    ...(await readSettings({ flags, environment, directory, output: { terminal: false, color: false } })),
  };
}

async function problems(given: Given): Promise<readonly string[]> {
  const error: unknown = await read(given).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).problems;
}

const PRODUCTION = `
[admin]
token = "${SECRET}"
[auth]
secret = "${SECRET}"
`;

test('without a file: every capability, loopback only, dev, secrets left to be generated', async () => {
  const { config, loaded, directory } = await read({});
  expect(config).toMatchObject({
    env: 'dev',
    bind: { host: '127.0.0.1', port: 8000 },
    stateDirectory: path.join(directory, '.reactor'),
    graceMs: 0,
    logFormat: 'json',
  });
  expect(loaded.capabilities).toEqual(NAMES);
  expect(loaded.missingSecrets).toEqual(['admin.token', 'auth.secret', 'functions.secret']);
  expect(loaded.values.auth).toMatchObject({ allow_signup: true });
});

test('with a file: only listed capabilities, every interface, production, sign-up closed', async () => {
  const { config, loaded } = await read({ file: PRODUCTION });
  expect(config).toMatchObject({ env: 'production', bind: { host: '0.0.0.0', port: 8000 }, graceMs: 5000 });
  expect(loaded.capabilities).toEqual(['auth']);
  expect(loaded.missingSecrets).toEqual([]);
  expect(loaded.values.auth).toMatchObject({ allow_signup: false, access_ttl_secs: 3600 });
  expect((await read({ file: '[auth]\n[project]\nenv = "dev"\n' })).loaded.entries).toContainEqual({
    path: 'auth.jwt_issuer',
    value: 'reactor-auth',
    origin: 'default',
  });
});

test('flags win over the environment, that over the file, that over defaults', async () => {
  const file = `${PRODUCTION}\n[server]\nbind = "127.0.0.1:1"\n[database]\npool_max = 7\n`;
  const environment = { REACTOR_SERVER__BIND: '127.0.0.1:2', REACTOR_DATABASE__ACQUIRE_TIMEOUT_SECS: '1.5' };
  const fromFlag = await read({ file, environment, flags: { bind: '127.0.0.1:3' } });
  expect(fromFlag.config.bind.port).toBe(3);
  expect(fromFlag.config.database).toMatchObject({ poolMax: 7, acquireTimeoutMs: 1500 });
  expect((await read({ file, environment })).config.bind.port).toBe(2);
  expect((await read({ file })).config.bind.port).toBe(1);
  const origins = Object.fromEntries(fromFlag.loaded.entries.map((entry) => [entry.path, entry.origin]));
  expect(origins).toMatchObject({
    'server.bind': 'flag --bind',
    'database.acquire_timeout_secs': 'environment REACTOR_DATABASE__ACQUIRE_TIMEOUT_SECS',
    'database.pool_max': 'Reactor.toml',
    'server.grace_secs': 'default',
  });
});

test('names without a double underscore are not configuration', async () => {
  const environment = { REACTOR_ADMIN_TOKEN: 'short', REACTOR_TOKEN: 'x', REACTOR_OUTPUT: 'json', REACTOR: '1' };
  await expect(read({ environment })).resolves.toBeDefined();
});

test('text from outside gets the type its key wants; an all-digit name stays text', async () => {
  const { config, loaded } = await read({
    environment: {
      REACTOR_PROJECT__NAME: '12345',
      REACTOR_ADMIN__ALLOW_REMOTE: 'true',
      REACTOR_SERVER__TRUSTED_PROXIES: '10.0.0.0/8, 192.168.1.1',
      REACTOR_SERVER__CORS__ALLOW_ORIGINS: '["https://a.example"]',
    },
  });
  expect(loaded.values.project).toMatchObject({ name: '12345' });
  expect(loaded.values.admin).toEqual({ allow_remote: true });
  expect(config.trustedProxies).toEqual(['10.0.0.0/8', '192.168.1.1']);
  expect(config.corsOrigins).toEqual(['https://a.example']);
});

test('origins are those a browser writes, letter by letter', async () => {
  const read_ = (origin: string) =>
    read({ environment: { REACTOR_SERVER__CORS__ALLOW_ORIGINS: JSON.stringify([origin]) } });
  for (const origin of ['https://a.example', 'http://localhost:5173', 'http://[::1]:3000', 'capacitor://localhost']) {
    expect((await read_(origin)).config.corsOrigins).toEqual([origin]);
  }
  const taken: string[] = [];
  for (const origin of [
    '*',
    'null',
    'a.example',
    'https://*.a.example',
    'https://a.example/',
    'https://a.example/path',
    'https://A.example',
    'https://a.example:443',
    'https://user@a.example',
    'https://a.example?x',
    'capacitor://*',
    'file://',
  ]) {
    const error = await read_(origin).then(
      () => taken.push(origin),
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      problems: [expect.stringMatching(/^server\.cors\.allow_origins\.0: expected exact origins such as/)],
    });
  }
  expect(taken).toEqual([]);
});

test('references work in every string, and say where the value came from', async () => {
  const file = `
[project]
env = "dev"
name = "shop-{{ env STAGE }}"
[admin]
token = "env:OPS_TOKEN"
[server]
bind = "127.0.0.1:{{env PORT}}"
`;
  const { config, loaded } = await read({ file, environment: { STAGE: 'eu', OPS_TOKEN: SECRET, PORT: '81' } });
  expect(loaded.values.project).toMatchObject({ name: 'shop-eu' });
  expect(config.bind.port).toBe(81);
  expect(loaded.entries.find(({ path }) => path === 'admin.token')?.origin).toBe('Reactor.toml (env OPS_TOKEN)');
});

test('a variable that is not set is named with its key and nothing else, unless another source won', async () => {
  const file = `${PRODUCTION}\n[server]\nbind = "env:NOWHERE"\n`;
  expect(await problems({ file })).toEqual(['server.bind: environment variable NOWHERE is not set (Reactor.toml)']);
  await expect(read({ file, flags: { bind: '127.0.0.1:9' } })).resolves.toBeDefined();
});

test.each([
  ['[servr]\nbind = "x"', '[servr]: unknown section (Reactor.toml); did you mean [server]?'],
  ['[server]\nbnd = "x"', 'server.bnd: unknown key (Reactor.toml); did you mean server.bind?'],
  [
    '[storage]\nmax_upload_byte = 1',
    'storage.max_upload_byte: unknown key (Reactor.toml); did you mean storage.max_upload_bytes?',
  ],
  ['[webhooks]\ncount = 1', `[webhooks]: unknown section (Reactor.toml); known sections: ${KNOWN}`],
  // What is wrong is not that it is absent: it has a default.
  ['[data]\nmax_limit = 20', 'data.default_limit: must be at most data.max_limit (default)'],
  ['[storage]', '[storage]: needs [auth], which is not listed'],
])('%s is refused', async (extra, problem) => {
  const token = `[admin]\ntoken = "${SECRET}"\n`;
  const listed = extra === '[storage]' ? token : `${token}[auth]\nsecret = "${SECRET}"\n`;
  expect(await problems({ file: `${listed}${extra}\n` })).toContain(problem);
});

test.each([
  ['server.bind', 'nowhere'],
  ['server.bind', '127.0.0.1:70000'],
  ['server.grace_secs', '-1'],
  ['server.trusted_proxies', '10.0.0.0/64'],
  ['database.pool_max', '0'],
  ['database.url', 'mysql://x'],
  ['tracing.fmt', 'xml'],
  ['tracing.filter', 'info,reactor_auth=loud'],
  ['admin.token', 'short'],
  ['project.env', 'prod'],
  ['auth.secret', 'short'],
  ['storage.max_upload_bytes', 'many'],
])('%s = %s is refused, naming the key', async (key, value) => {
  const name = `REACTOR_${key.toUpperCase().replace('.', '__')}`;
  const found = await problems({ environment: { [name]: value } });
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(new RegExp(`^${key.replace('.', '\\.')}[.:]`));
  if (key === 'admin.token' || key === 'auth.secret') expect(found[0]).not.toContain(value);
});

const URL_FORM = 'the database URL must have the form postgresql://user:password@host:port/database';

test.each([
  ['url', 'postgres://u:hunter2@h:99999/db', `${URL_FORM}: Invalid URL`],
  ['url', 'postgres://u:hun/ter2@h/db', `${URL_FORM}: Invalid URL`],
  ['url', 'postgres://u:hunter2@[::1/db', `${URL_FORM}: Invalid URL`],
  ['url', 'postgres://u:hunter2@h/db?port=99999', `${URL_FORM}: the port is out of range`],
  [
    'url',
    'postgres://u:hunter2@h/db?sslmode=verify-full&sslkey=/nope',
    "a file that the database URL names cannot be read: ENOENT: no such file or directory, open '/nope'",
  ],
  [
    'direct_url',
    'postgres://u:hunter2@h/db?sslcert=/nope',
    "a file that the database URL names cannot be read: ENOENT: no such file or directory, open '/nope'",
  ],
  [
    'requests_url',
    'postgres://u:hunter2@h/db?sslrootcert=/',
    'a file that the database URL names cannot be read: EISDIR',
  ],
])('database.%s = %s is refused as the start would, without the password', async (key, value, problem) => {
  const environment = {
    REACTOR_DATABASE__URL: 'postgres://u:p@h/db',
    [`REACTOR_DATABASE__${key.toUpperCase()}`]: value,
  };
  const found = await problems({ environment });
  expect(found).toEqual([expect.stringContaining(problem)]);
  expect(found[0]).toMatch(new RegExp(`^database\\.${key}: `));
  expect(found[0]).not.toMatch(/hunter2|hun\/|ter2/);
});

test('outside dev every missing secret is an error that says where to put it', async () => {
  expect(await problems({ file: '[auth]\n' })).toEqual([
    'admin.token: required, and not set; set it in Reactor.toml or as REACTOR_ADMIN__TOKEN',
    'auth.secret: required, and not set; set it in Reactor.toml or as REACTOR_AUTH__SECRET',
  ]);
});

test('problems of every kind come at once', async () => {
  const file = `${PRODUCTION}\n[servr]\n[server]\nbnd = 1\ngrace_secs = "x"\n[tracing]\nfilter = "inof"\n`;
  expect((await problems({ file })).map((problem) => problem.split(':')[0])).toEqual([
    '[servr]',
    'server.bnd',
    'server.grace_secs',
    'tracing.filter',
  ]);
});

test('a file that is not TOML is refused with line and column', async () => {
  expect((await problems({ file: '[server]\nbind = \n' }))[0]).toMatch(/^Reactor\.toml:2:\d+: /);
});

test('a configuration file that was asked for and is not there is an error', async () => {
  expect((await problems({ flags: { config: 'missing.toml' } }))[0]).toContain('missing.toml');
});
