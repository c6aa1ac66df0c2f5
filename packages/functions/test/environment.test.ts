import { describe, expect, it } from 'vitest';
import { createSecretBox } from '../src/secrets.js';
import { createTestFunctions, jsonBody, refusal, SECRET, type TestFunctions } from './support/lifecycle.js';

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** A function with these variables. */
async function withVariables(variables: Record<string, object> = {}, config = {}) {
  const functions = await createTestFunctions(config);
  await functions.create('hello');
  const env = (method: string, key = '', body?: unknown) =>
    functions.as('admin')(method, `/functions/hello/env${key}`, body === undefined ? {} : jsonBody(body));
  for (const [key, body] of Object.entries(variables)) expect((await env('PUT', `/${key}`, body)).status).toBe(204);
  return { functions, env };
}

const revision = async ({ lifecycle }: TestFunctions) => (await lifecycle.functions.live('hello'))?.environmentRevision;

/** As a call gets them. */
async function opened({ lifecycle }: TestFunctions): Promise<Record<string, string>> {
  const { id } = await lifecycle.functions.get('hello');
  const all = await lifecycle.variables.all(id);
  return Object.fromEntries(
    all.map(({ key, value, sealed }) => [key, value ?? lifecycle.secrets.open(id, key, sealed as Buffer)]),
  );
}

describe('variables', () => {
  it('are set, shown, replaced and deleted', async () => {
    const { functions, env } = await withVariables({ B: { value: 'two' }, A: { value: '' } });
    const a = { key: 'A', value: '', is_secret: false, last_updated_at: expect.stringMatching(TIME) };
    const b = { ...a, key: 'B', value: 'two' };
    expect(await (await env('GET')).json()).toEqual({ env: [a, b] });
    expect(await (await env('GET', '/B')).json()).toEqual(b);
    expect((await env('PUT', '/B', { value: 'drei ✓', is_secret: false })).status).toBe(204);
    expect(await opened(functions)).toEqual({ A: '', B: 'drei ✓' });
    expect((await env('DELETE', '/B')).status).toBe(204);
    expect(await refusal(await env('GET', '/B'))).toBe('404 env_key_not_found');
    expect(await refusal(await env('DELETE', '/B'))).toBe('404 env_key_not_found');
  });

  it('raise the revision of their function with each change, and with no other', async () => {
    const { functions, env } = await withVariables();
    expect(await revision(functions)).toBe(0);
    await env('PUT', '/A', { value: 'x' });
    expect(await revision(functions)).toBe(1);
    await env('PUT', '/A', { value: 'x', is_secret: true });
    expect(await revision(functions)).toBe(2);
    await env('GET');
    await env('DELETE', '/NONE');
    await env('PUT', '/bad', { value: 'x' });
    expect(await revision(functions)).toBe(2);
    await env('DELETE', '/A');
    expect(await revision(functions)).toBe(3);
    await Promise.all(Array.from({ length: 10 }, (_, i) => env('PUT', `/K${i}`, { value: 'x' })));
    expect(await revision(functions)).toBe(13);
  });

  it('belong to their function alone, also to one of the same name later', async () => {
    const { functions, env } = await withVariables({ A: { value: 'x' } });
    await functions.create('other');
    expect(await (await functions.as('admin')('GET', '/functions/other/env')).json()).toEqual({ env: [] });
    await functions.as('admin')('DELETE', '/functions/hello');
    await functions.create('hello');
    expect(await (await env('GET')).json()).toEqual({ env: [] });
  });
});

describe('a secret', () => {
  it('is opened for calls and shown to nobody', async () => {
    const value = 'hunter2-very-secret';
    const { functions, env } = await withVariables({ KEY: { value, is_secret: true }, ALIAS: { value, secret: true } });
    const answers = [await (await env('GET')).text(), await (await env('GET', '/KEY')).text()];
    expect(JSON.parse(answers[1] as string)).toEqual({
      key: 'KEY',
      is_secret: true,
      last_updated_at: expect.stringMatching(TIME),
    });
    expect(answers.join()).not.toContain('hunter2');
    const { rows } = await functions.database.query('SELECT * FROM reactor_functions.environment');
    expect(rows).toHaveLength(2);
    for (const { sealed, ...rest } of rows) {
      expect((sealed as Buffer).includes('hunter2')).toBe(false);
      expect(JSON.stringify(rest)).not.toContain('hunter2');
    }
    expect(await opened(functions)).toEqual({ KEY: value, ALIAS: value });
  });

  it('may become a plain variable, and the other way round', async () => {
    const { functions, env } = await withVariables({ KEY: { value: 'x', is_secret: true } });
    await env('PUT', '/KEY', { value: 'plain' });
    expect(await (await env('GET', '/KEY')).json()).toMatchObject({ value: 'plain', is_secret: false });
    await env('PUT', '/KEY', { value: 'y', is_secret: true });
    expect(await (await env('GET', '/KEY')).json()).not.toHaveProperty('value');
    expect(await opened(functions)).toEqual({ KEY: 'y' });
  });

  it('does not open in another row, with another secret, or changed', async () => {
    const { functions } = await withVariables({ KEY: { value: 'x', is_secret: true } });
    const unreadable = expect.objectContaining({ code: 'secrets_unreadable' });
    await functions.database.query("UPDATE reactor_functions.environment SET key = 'OTHER'");
    await expect(opened(functions)).rejects.toEqual(unreadable);
    await functions.database.query("UPDATE reactor_functions.environment SET key = 'KEY'");
    expect(await opened(functions)).toEqual({ KEY: 'x' });
    await functions.database.query('UPDATE reactor_functions.environment SET sealed = set_byte(sealed, 20, 0)');
    await expect(opened(functions)).rejects.toEqual(unreadable);
  });

  it('is still opened after a rotation, with the former secret', async () => {
    const { functions } = await withVariables({ KEY: { value: 'x', is_secret: true } });
    const { id } = await functions.lifecycle.functions.get('hello');
    const [{ sealed } = { sealed: undefined }] = await functions.lifecycle.variables.all(id);
    const rotated = createSecretBox('another secret of 32 characters!', [SECRET]);
    expect(rotated.open(id, 'KEY', sealed as Buffer)).toBe('x');
  });
});

describe('is refused', () => {
  it.each([
    'lower',
    '1A',
    '_A',
    'A-B',
    'A.B',
    'A%20B',
    'A%00',
    'A%0A',
    '%C3%84',
    'A'.repeat(129),
    'REACTOR_URL',
    'REACTOR_',
    'BUN_INSTALL',
    'PATH',
    'PWD',
    'OLDPWD',
    'SHLVL',
  ])('the name %s', async (key) => {
    const { env } = await withVariables();
    expect(await refusal(await env('PUT', `/${key}`, { value: 'x' }))).toBe('400 env_key_invalid');
    expect(await refusal(await env('GET', `/${key}`))).toBe('404 env_key_not_found');
    expect(await refusal(await env('DELETE', `/${key}`))).toBe('404 env_key_not_found');
  });

  it('a value or a body of another form', async () => {
    const { env } = await withVariables({ ['A'.repeat(128)]: { value: 'x' } });
    for (const body of [
      {},
      [],
      { value: 1 },
      { value: null },
      { value: 'x', is_secret: 'yes' },
      { value: 'x', is_secret: true, secret: false },
      { value: 'x', colour: 1 },
      { value: 'a\0b' },
      { value: '\ud800' },
      { value: 'x'.repeat(65_537) },
      { value: 'ä'.repeat(32_769), is_secret: true },
    ]) {
      expect(await refusal(await env('PUT', '/A', body))).toBe('400 invalid_request');
    }
    expect((await env('PUT', '/A', { value: 'x'.repeat(65_536) })).status).toBe(204);
    expect((await env('PUT', '/A', { value: 'ä'.repeat(32_768), is_secret: true })).status).toBe(204);
    expect((await env('PUT', '/A', { value: 'x'.repeat(1_100_000) })).status).toBe(413);
  });

  it('the 101st variable', async () => {
    const { functions, env } = await withVariables();
    await functions.database.query(
      `INSERT INTO reactor_functions.environment (function_id, key, is_secret, value)
       SELECT f.id, 'K' || i, false, 'x' FROM generate_series(1, 99) i, reactor_functions.functions f`,
    );
    const answers = await Promise.all(['X', 'Y', 'Z'].map((key) => env('PUT', `/${key}`, { value: 'x' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400]);
    expect((await env('PUT', '/K1', { value: 'y' })).status).toBe(204);
    expect((await (await env('GET')).json()).env).toHaveLength(100);
    expect(await revision(functions)).toBe(2);
  });

  it('a function that is not there', async () => {
    const { as } = await createTestFunctions();
    expect(await refusal(await as('admin')('PUT', '/functions/hello/env/A', jsonBody({ value: 'x' })))).toBe(
      '404 function_not_found',
    );
  });
});
