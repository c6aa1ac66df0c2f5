import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { REPOSITORY, startServer } from '../support/server.js';

const server = await startServer();

test('doctor, logs and version want the admin token: 401 without and with another, 200 with it', async () => {
  for (const route of ['/_admin/doctor', '/_admin/logs', '/_admin/version']) {
    for (const headers of [{}, { Authorization: 'Bearer not-the-admin-token' }]) {
      const refused = await fetch(`${server.url}${route}`, { headers: headers as Record<string, string> });
      expect([route, refused.status, refused.headers.get('WWW-Authenticate')]).toEqual([route, 401, 'Bearer']);
      expect(await refused.json()).toMatchObject({ error: { code: 'unauthorized', status: 401 } });
    }
    const answer = await server.admin(route);
    expect([route, answer.status]).toEqual([route, 200]);
    await answer.body?.cancel();
  }
});

test('version tells the server and each mounted capability, and nothing else', async () => {
  const versionOf = async (folder: string) => {
    const manifest = path.join(REPOSITORY, folder, 'package.json');
    return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
  };
  const reactor = await versionOf('apps/reactor-server');
  const auth = await versionOf('packages/auth');
  const data = await versionOf('packages/data');
  const storage = await versionOf('packages/storage');
  const functions = await versionOf('packages/functions');

  const everything = await server.admin('/_admin/version');
  expect(everything.headers.get('Content-Type')).toBe('application/json');
  expect(await everything.json()).toEqual({ reactor, capabilities: { auth, data, storage, functions } });
  const one = await startServer({ config: '[project]\nenv = "dev"\n[auth]\n' });
  expect(await (await one.admin('/_admin/version')).json()).toEqual({ reactor, capabilities: { auth } });
});
