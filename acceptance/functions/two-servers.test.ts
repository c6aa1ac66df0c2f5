import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { deploy, json, setVariable } from '../support/functions.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { externalPostgres } from '../support/postgres.js';
import { projectDirectory, startServer, type TestServer } from '../support/server.js';

const SECRETS = {
  REACTOR_AUTH__SECRET: 'the-same-secret-on-both-servers-0123',
  REACTOR_FUNCTIONS__SECRET: 'another-secret-on-both-servers-01234',
};

/** Two servers on one database and one blob folder, each with a cache of its own. */
async function twoServers(
  databaseUrl: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly [TestServer, TestServer]> {
  const blobs = await projectDirectory();
  const start = async () => {
    const directory = await projectDirectory();
    await mkdir(path.join(directory, '.reactor'), { mode: 0o700 });
    await symlink(blobs, path.join(directory, '.reactor', 'blobs'));
    return startServer({ directory, environment: { ...SECRETS, ...environment, REACTOR_DATABASE__URL: databaseUrl } });
  };
  return [await start(), await start()];
}

/** Milliseconds until the other server answers so; every answer before that is whole. */
async function reached(server: TestServer, expected: string): Promise<number> {
  const started = performance.now();
  for (;;) {
    const answer = await fetch(`${server.url}/fn/v1/both`);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
    if (text === expected) return performance.now() - started;
    if (performance.now() - started > 20_000) throw new Error(`still ${text}`);
  }
}

const code = (text: string) => `export default (request, env) => new Response('${text} ' + (env.KEY ?? 'none'))`;

async function checkBoth([one, other]: readonly [TestServer, TestServer]): Promise<void> {
  await deploy(one, 'both', code('first'));
  expect(await reached(other, 'first none')).toBeLessThan(3_000);
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    const [here, there] = round % 2 === 0 ? [one, other] : [other, one];
    const { id } = await deploy(here, 'both', code(`round ${round}`));
    times.push(await reached(there, `round ${round} ${round === 0 ? 'none' : `key ${round - 1}`}`));
    await setVariable(here, 'both', 'KEY', `key ${round}`);
    times.push(await reached(there, `round ${round} key ${round}`));
    const back = await here.admin('/fn/v1/_admin/functions/both/rollback', json('POST', {}));
    expect(back.status).toBe(200);
    times.push(await reached(there, `${round === 0 ? 'first' : `round ${round - 1}`} key ${round}`));
    await here.admin('/fn/v1/_admin/functions/both/promote', json('POST', { deployment_id: id }));
    times.push(await reached(there, `round ${round} key ${round}`));
  }
  expect(Math.max(...times)).toBeLessThan(1_000);
  expect((await other.admin('/fn/v1/_admin/functions/both', { method: 'DELETE' })).status).toBe(204);
  const gone = performance.now();
  while ((await fetch(`${one.url}/fn/v1/both`)).status !== 404) {
    if (performance.now() - gone > 1_000) throw new Error('still there');
  }
}

test('what one server promotes, sets and deletes, the other one answers with in under a second', async () => {
  const postgres = await externalPostgres();
  await checkBoth(await twoServers(postgres.url));
}, 120_000);

test('also behind a pooler, which passes no notifications on, where it polls often enough', async () => {
  const postgres = await externalPostgres();
  const pooler = await startPgBouncer(postgres, 'transaction');
  await postgres.sql("CREATE ROLE app SUPERUSER LOGIN PASSWORD 'of-app'");
  await checkBoth(await twoServers(pooler.urlFor('app', 'of-app', 'postgres'), { REACTOR_EVENTS__POLL_SECS: '0.2' }));
}, 120_000);
