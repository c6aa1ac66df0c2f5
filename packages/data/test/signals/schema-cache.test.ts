import { type Clock, type Logger, silentLogger, systemClock } from '@reactor/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SchemaCache } from '../../src/index.js';
import { createTestData } from '../support/data.js';
import { databaseWith } from '../support/database.js';

const ENABLE = 'ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON notes USING (true)';

async function cacheOn(sql: string) {
  const { database, connectionString } = await databaseWith(sql);
  const reloads: string[] = [];
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + aheadMs };
  const logger: Logger = silentLogger;
  const cache = new SchemaCache({ database, logger, clock, onReload: (result) => reloads.push(result) });
  onTestFinished(() => cache.stop());
  const names = () => [...(cache.peek()?.model.relations.keys() ?? [])];
  return { database, connectionString, cache, reloads, names, advance: (ms: number) => (aheadMs += ms) };
}

describe('the schema is read anew', () => {
  test('when somebody says that it changed', async () => {
    const { database, cache, names } = await cacheOn('SELECT 1');
    // Without the event trigger, as where the login is no superuser.
    await database.query('DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change');
    await cache.start();
    await database.query('CREATE TABLE notes (id int)');
    expect(names()).toEqual([]);
    await database.query("NOTIFY reactor_events, 'data.schema'");
    await vi.waitFor(() => expect(names()).toEqual(['notes']));
  });

  test('after DDL by itself, where the login could make an event trigger', async () => {
    const { database, cache, names, reloads } = await cacheOn('SELECT 1');
    const { rows } = await database.query<{ super: boolean }>(
      'SELECT rolsuper AS super FROM pg_roles WHERE rolname = current_user',
    );
    const triggers = await database.query("SELECT FROM pg_event_trigger WHERE evtname = 'reactor_data_schema_change'");
    expect(triggers.rowCount === 1).toBe(rows[0]?.super);
    if (rows[0]?.super !== true) return;
    await cache.start();
    await vi.waitFor(() => expect(reloads).toHaveLength(2));
    await database.query('CREATE TABLE notes (id int)');
    await vi.waitFor(() => expect(names()).toEqual(['notes']));
    await database.query('DROP TABLE notes');
    await vi.waitFor(() => expect(names()).toEqual([]));
    const before = reloads.length;
    await database.query('CREATE TEMPORARY TABLE scratch (id int)');
    await database.query('CREATE TABLE last (id int)');
    await vi.waitFor(() => expect(names()).toEqual(['last']));
    expect(reloads).toHaveLength(before + 1);
  });

  test('a few times when a script changes it a hundred times', async () => {
    const { database, cache, names, reloads } = await cacheOn('SELECT 1');
    await cache.start();
    await vi.waitFor(() => expect(reloads).toHaveLength(2));
    const began = performance.now();
    for (let i = 0; i < 100; i++) {
      await database.query(`CREATE TABLE t${i} (id int); NOTIFY reactor_events, 'data.schema'`);
    }
    await vi.waitFor(() => expect(names()).toHaveLength(100), { timeout: 10_000 });
    // At its beginning, once a second, and when it is over.
    expect(reloads.length - 2).toBeLessThanOrEqual(3 + (performance.now() - began) / 1_000);
  });

  test('when listening begins again, for what was said in between', async () => {
    const { database, cache, names } = await cacheOn('SELECT 1');
    await database.query('DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change');
    await cache.start();
    const listening = () =>
      database.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
      );
    await vi.waitFor(async () => expect((await listening()).rowCount).toBe(1));
    await database.query('CREATE TABLE notes (id int)');
    await database.query('SELECT pg_terminate_backend($1)', [(await listening()).rows[0]?.pid]);
    await vi.waitFor(() => expect(names()).toEqual(['notes']), { timeout: 5_000 });
  });

  test('by requests that miss something, after a pause that callers cannot shorten', async () => {
    const { database, cache, reloads, advance } = await cacheOn('SELECT 1');
    const first = await cache.get();
    await database.query('CREATE TABLE notes (id int)');
    const second = (await cache.afterMiss(first, 'caller')) ?? first;
    expect(second.model.relations.size).toBe(1);
    expect(await cache.afterMiss(first, 'caller')).toBe(second);
    expect(await cache.afterMiss(second, 'caller')).toBeUndefined();
    advance(10_000);
    expect(await cache.afterMiss(second, 'caller')).toBeDefined();
    expect(reloads).toEqual(['ok', 'ok', 'ok']);
  });

  test('for requests in that pause too, where it is being read anyway', async () => {
    const { database, cache, reloads } = await cacheOn('SELECT 1');
    await cache.afterMiss(await cache.get(), 'caller');
    const seen = await cache.get();
    await database.query('CREATE TABLE notes (id int)');
    const announced = cache.reload();
    expect(await cache.afterMiss(seen, 'caller')).toBe(await announced);
    expect(reloads).toEqual(['ok', 'ok', 'ok']);
  });

  test('at once when PostgreSQL refuses what the model has, unless it was wrong a moment ago', async () => {
    const { database, cache, reloads } = await cacheOn('SELECT 1');
    const first = await cache.get();
    await cache.afterMiss(first, 'caller');
    await database.query('CREATE TABLE notes (id int)');
    const second = (await cache.afterMiss(cache.peek() ?? first, 'database')) ?? first;
    expect(second.model.relations.size).toBe(1);
    const third = (await cache.afterMiss(second, 'database')) ?? first;
    expect(third.fingerprint).toBe(second.fingerprint);
    expect(await cache.afterMiss(third, 'database')).toBeUndefined();
    expect(reloads).toEqual(['ok', 'ok', 'ok', 'ok']);
  });

  test('and has another generation when it is another one', async () => {
    const { database, cache } = await cacheOn('CREATE TABLE notes (id int)');
    const generations: (number | undefined)[] = [];
    for (const sql of [
      'SELECT 1',
      'SELECT 1',
      'CREATE INDEX ON notes (id)',
      'ALTER TABLE notes ALTER id TYPE bigint',
      'DROP TABLE notes; CREATE TABLE notes (id bigint)',
      `CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE notes ADD mood mood`,
      `ALTER TABLE notes DROP mood; DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad'); ALTER TABLE notes ADD mood mood`,
      `CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1`,
      `DROP FUNCTION f(); CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1`,
      'SELECT 1',
    ]) {
      await database.query(sql);
      generations.push((await cache.reload()).model.generation);
    }
    expect(generations).toEqual([1, 1, 1, 2, 3, 4, 5, 6, 7, 7]);
  });

  test('once for all who ask while it is being read', async () => {
    const { database, cache, reloads } = await cacheOn('DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change');
    await database.query('CREATE TABLE notes (id int)');
    const before = reloads.length;
    const [first, second, third] = await Promise.all([cache.reload(), cache.reload(), cache.reload()]);
    expect(first).not.toBe(second);
    expect(second).toBe(third);
    expect(third.model.relations.size).toBe(1);
    expect(reloads.length - before).toBe(2);
  });
});

test('a schema that cannot be read leaves the one that was there', async () => {
  const { database, cache, reloads } = await cacheOn('CREATE TABLE notes (id int)');
  const before = await cache.get();
  await database.close();
  await expect(cache.reload()).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(reloads).toEqual(['ok', 'failed']);
  expect(await cache.get()).toBe(before);
  expect(cache.ageMs()).toBeGreaterThan(0);
});

describe('requests', () => {
  test('find what is new, and what has row-level security now', async () => {
    const { as, database } = await createTestData('DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change');
    expect((await as('alice')('GET', '/notes')).status).toBe(404);
    await database.query('CREATE TABLE notes (id int)');
    await vi.waitFor(async () => expect((await as('alice')('GET', '/notes')).status).toBe(403), { timeout: 5_000 });
    await database.query(ENABLE);
    await vi.waitFor(async () => expect((await as('alice')('GET', '/notes')).status).toBe(200), { timeout: 5_000 });
  });

  test('do without what was dropped or renamed behind their back', async () => {
    const { as, database } = await createTestData(`CREATE TABLE notes (id int, old int); ${ENABLE};
      DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change; INSERT INTO notes VALUES (1, 2)`);
    expect(await (await as('alice')('GET', '/notes')).json()).toEqual([{ id: 1, old: 2 }]);
    await database.query('ALTER TABLE notes RENAME COLUMN old TO new');
    expect(await (await as('alice')('GET', '/notes')).json()).toEqual([{ id: 1, new: 2 }]);
  });

  test('under way are not disturbed by a reload', async () => {
    const { as, database } = await createTestData(`CREATE TABLE notes (id int); ${ENABLE}`);
    let done = false;
    const reading = (async () => {
      let count = 0;
      while (!done) {
        const answer = await as('alice')('GET', '/notes?id=gt.0');
        expect(answer.status).toBe(200);
        count += 1;
      }
      return count;
    })();
    for (let i = 0; i < 10; i++) {
      await database.query(`ALTER TABLE notes ADD COLUMN c${i} int`);
      await as('admin')('POST', '/_admin/reload');
    }
    done = true;
    expect(await reading).toBeGreaterThan(0);
  });
});
