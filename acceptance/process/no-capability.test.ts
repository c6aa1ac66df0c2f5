import path from 'node:path';
import { expect, test } from 'vitest';
import type { Doctor } from '../support/client.js';
import { reactor } from '../support/reactor.js';
import { runServer, startServer } from '../support/server.js';

test('a Reactor.toml without a capability is said in log, banner, doctor and the reactor command', async () => {
  const server = await startServer({ config: '[project]\nname = "shop"\nenv = "dev"\n' });
  const file = path.join(server.directory, 'Reactor.toml');
  const message = `no capability is mounted: ${file} has no section of one`;
  const remedy = `Add [auth], [data], [storage], [functions] to ${file}, those you want, and start again; without a file all of them run.`;
  const warnings = server
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ level }) => level === 'WARN')
    .map(({ fields }) => fields);
  expect(warnings).toEqual([{ message, remedy }]);
  expect(server.stderr()).toMatch(/API +http:\S+ {2}\(no capability: Reactor\.toml lists none\)/);

  const report = {
    server: {
      status: 'warn',
      checks: [
        {
          name: 'capabilities',
          status: 'warn',
          message,
          remedy,
          duration_ms: expect.any(Number),
          code: 'no_capability',
        },
        { name: 'pooler', status: 'ok', message: expect.any(String), duration_ms: expect.any(Number) },
        { name: 'connection_limit', status: 'ok', message: expect.any(String), duration_ms: expect.any(Number) },
      ],
    },
  };
  const answer = await server.admin('/_admin/doctor');
  expect([answer.status, await answer.json()]).toEqual([200, report]);
  const said = async (...args: string[]) => (await reactor(server, ...args)).stdout;
  expect(await said('doctor')).toContain(`! server.capabilities: ${message}\n      → ${remedy}\n`);
  expect(await said('status')).toContain('ok (no capability is mounted)');
  expect(await said('health')).toBe('no capability is mounted\n');
  expect(await said('version')).toContain('(no capability is mounted)');

  await server.end('SIGTERM');
  const offline = await runServer(server.directory, ['doctor', '--json']);
  expect([offline.code, JSON.parse(offline.stdout)]).toEqual([0, report]);
});

test('one capability, or no file at all, brings no such warning', async () => {
  for (const config of ['[project]\nenv = "dev"\n[auth]\n', undefined]) {
    const server = await startServer(config === undefined ? {} : { config });
    const report = (await (await server.admin('/_admin/doctor')).json()) as Doctor;
    expect(report.server?.checks.map(({ name }) => name)).not.toContain('capabilities');
    expect(server.stdout()).not.toContain('no capability');
  }
});
