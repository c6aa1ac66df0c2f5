import { type DoctorProbe, type ProbeResult, systemClock } from '@reactor/core';
import { recordingLogger } from '@reactor/testing';
import { expect, test } from 'vitest';
import { type DoctorSubject, doctorRoutes, runDoctor } from '../src/index.js';

const pass = async (): Promise<ProbeResult> => ({ status: 'ok' });
const fail = async (): Promise<ProbeResult> => ({
  status: 'fail',
  code: 'connection_refused',
  message: 'Nobody listens.',
  remedy: 'Start PostgreSQL.',
});

function probe(name: string, run: DoctorProbe['run'], rest: Partial<DoctorProbe> = {}): DoctorProbe {
  return { name, timeoutMs: 1000, run, ...rest };
}

function diagnose(subjects: readonly DoctorSubject[], signal?: AbortSignal) {
  const { logger, lines } = recordingLogger();
  const options = { clock: systemClock, logger, ...(signal === undefined ? {} : { signal }) };
  return { report: runDoctor(subjects, options), lines };
}

const timed = { duration_ms: expect.any(Number) };

test('the report is a bare map in the order of the subjects, with the worst status of each', async () => {
  const warn = async (): Promise<ProbeResult> => ({ status: 'warn', message: 'Nearly full.', remedy: 'Tidy up.' });
  const { report } = diagnose([
    { name: 'auth', probes: [probe('db_ping', async () => ({ status: 'ok', message: 'PostgreSQL 18.4' }))] },
    { name: 'storage', probes: [probe('fs_writable', pass), probe('disk_space', warn)] },
    { name: 'jobs', probes: [probe('dispatcher', fail), probe('lag', warn)] },
    { name: 'sites', probes: [] },
  ]);
  expect(Object.entries(await report)).toEqual([
    ['auth', { status: 'ok', checks: [{ name: 'db_ping', status: 'ok', message: 'PostgreSQL 18.4', ...timed }] }],
    [
      'storage',
      {
        status: 'warn',
        checks: [
          { name: 'fs_writable', status: 'ok', ...timed },
          { name: 'disk_space', status: 'warn', message: 'Nearly full.', remedy: 'Tidy up.', ...timed },
        ],
      },
    ],
    [
      'jobs',
      {
        status: 'fail',
        checks: [
          {
            name: 'dispatcher',
            status: 'fail',
            message: 'Nobody listens.',
            remedy: 'Start PostgreSQL.',
            code: 'connection_refused',
            ...timed,
          },
          { name: 'lag', status: 'warn', message: 'Nearly full.', remedy: 'Tidy up.', ...timed },
        ],
      },
    ],
    ['sites', { status: 'ok', checks: [] }],
  ]);
});

test('a probe that throws, rejects, hangs or answers nonsense is a failed check; the log has the error', async () => {
  const secret = new Error('postgres://admin:hunter2@db');
  let aborted = false;
  const { report, lines } = diagnose([
    {
      name: 'server',
      probes: [
        probe('throws', () => {
          throw secret;
        }),
        probe('rejects', () => Promise.reject(secret)),
        probe(
          'hangs',
          (signal) => {
            signal.addEventListener('abort', () => {
              aborted = true;
            });
            return new Promise(() => {});
          },
          { timeoutMs: 10 },
        ),
        probe('nonsense', async () => ({ status: 'fail' }) as unknown as ProbeResult),
      ],
    },
  ]);
  const checks = (await report).server?.checks ?? [];
  expect(checks.map(({ name, status, code }) => [name, status, code])).toEqual([
    ['throws', 'fail', 'probe_error'],
    ['rejects', 'fail', 'probe_error'],
    ['hangs', 'fail', 'probe_timeout'],
    ['nonsense', 'fail', 'probe_error'],
  ]);
  for (const { message, remedy } of checks) expect([typeof message, typeof remedy]).toEqual(['string', 'string']);
  expect(checks[2]?.message).toBe('No answer within 10 ms.');
  expect(aborted).toBe(true);
  expect(JSON.stringify(await report)).not.toContain('hunter2');
  expect(lines).toContainEqual({
    level: 'error',
    target: 'reactor_server',
    message: 'doctor probe failed',
    fields: { probe: 'server/rejects', error: secret },
  });
});

test('a database outage is one root cause; what depends on it is not run and points to it', async () => {
  let ran = 0;
  const count = async (): Promise<ProbeResult> => {
    ran++;
    return { status: 'ok' };
  };
  const { report } = diagnose([
    // Dependants stand before their provider: order in the report is no order of running.
    { name: 'data', probes: [probe('migrations', count, { dependsOn: ['database'] })] },
    {
      name: 'auth',
      probes: [
        probe('db_ping', fail, { provides: 'database' }),
        probe('signing_keys', count, { dependsOn: ['database'] }),
      ],
    },
    { name: 'storage', probes: [probe('db_ping', fail, { provides: 'database' }), probe('fs_writable', pass)] },
    { name: 'jobs', probes: [probe('blobs', count, { dependsOn: ['database'], provides: 'blobs' })] },
    { name: 'sites', probes: [probe('publish', count, { dependsOn: ['blobs'] })] },
  ]);
  const result = await report;
  const knockOn = (name: string, needs = 'database') => ({
    name,
    status: 'fail',
    message: `Not probed, because it needs ${needs}.`,
    remedy: 'Repair auth/db_ping first.',
    duration_ms: 0,
    code: 'dependency_failed',
    caused_by: 'database',
  });
  expect(ran).toBe(0);
  expect(result.data?.checks).toEqual([knockOn('migrations')]);
  expect(result.auth?.checks[0]).not.toHaveProperty('caused_by');
  expect(result.auth?.checks[1]).toEqual(knockOn('signing_keys'));
  expect(result.storage?.checks.map(({ status, caused_by }) => [status, caused_by])).toEqual([
    ['fail', 'database'],
    ['ok', undefined],
  ]);
  expect(result.jobs?.checks).toEqual([knockOn('blobs')]);
  expect(result.sites?.checks).toEqual([knockOn('publish', 'blobs')]);
  const roots = Object.values(result).flatMap(({ checks }) =>
    checks.filter(({ status, caused_by }) => status === 'fail' && caused_by === undefined),
  );
  expect(roots.map(({ code }) => code)).toEqual(['connection_refused']);
});

test('a resource works as soon as one who vouches for it does, or nobody does', async () => {
  const { report } = diagnose([
    { name: 'auth', probes: [probe('db_ping', fail, { provides: 'database' })] },
    { name: 'storage', probes: [probe('db_ping', pass, { provides: 'database' })] },
    { name: 'data', probes: [probe('migrations', pass, { dependsOn: ['database', 'blob_space'] })] },
  ]);
  const result = await report;
  expect(result.data?.status).toBe('ok');
  expect(result.auth?.checks[0]).not.toHaveProperty('caused_by');
});

test('probes that wait for each other in a circle run all the same', async () => {
  const { report } = diagnose([
    {
      name: 'jobs',
      probes: [
        probe('a', fail, { provides: 'database', dependsOn: ['blobs', 'database'] }),
        probe('b', fail, { provides: 'blobs', dependsOn: ['database'] }),
      ],
    },
  ]);
  expect((await report).jobs?.checks.map(({ status }) => status)).toEqual(['fail', 'fail']);
});

test('at most four probes run at the same time', async () => {
  let running = 0;
  let most = 0;
  const busy = async (): Promise<ProbeResult> => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    return { status: 'ok' };
  };
  const probes = Array.from({ length: 12 }, (_, i) => probe(`p${i}`, busy));
  await diagnose([{ name: 'server', probes }]).report;
  expect(most).toBe(4);
});

test('the run ends when the one who asked is gone', async () => {
  const controller = new AbortController();
  const { report } = diagnose(
    [{ name: 'server', probes: [probe('hangs', () => new Promise(() => {}))] }],
    controller.signal,
  );
  controller.abort(new Error('gone'));
  await expect(report).rejects.toThrow('gone');
});

test('the route answers 200 when nothing fails and 207 otherwise', async () => {
  const routesFor = (run: DoctorProbe['run']) =>
    doctorRoutes((signal) => diagnose([{ name: 'jobs', probes: [probe('dispatcher', run)] }], signal).report);
  const warn = async (): Promise<ProbeResult> => ({ status: 'warn', message: 'Slow.', remedy: 'Wait.' });
  const statuses = await Promise.all(
    [pass, warn, fail].map(async (run) => (await routesFor(run).request('/_admin/doctor')).status),
  );
  expect(statuses).toEqual([200, 200, 207]);
  const response = await routesFor(pass).request('/_admin/doctor');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(await response.json()).toEqual({
    jobs: { status: 'ok', checks: [{ name: 'dispatcher', status: 'ok', ...timed }] },
  });
});
