import { type EventHint, systemClock } from '@reactor/core';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { adminConnectionString, createTestDatabase } from '../../testing/src/test-database.js';
import type { PostgresDatabase } from '../src/index.js';
import { lockMigrations } from '../src/migrations/store.js';
import { keyChangingProxy } from './support/key-changing-proxy.js';
import { openPool, runSql } from './support/servers.js';

const gap: EventHint = { kind: 'gap' };
const event = (subject: string, payload = ''): EventHint => ({ kind: 'event', subject, payload });

/** What a subscriber hears, in order, and a way to await the next of it. */
function listenTo({ events }: Pick<PostgresDatabase, 'events'>, pattern: string) {
  const heard: EventHint[] = [];
  let wake = () => {};
  const subscription = events.subscribe(pattern, (one) => {
    heard.push(one);
    wake();
  });
  onTestFinished(() => subscription.stop());
  const until = async (count: number) => {
    while (heard.length < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return heard;
  };
  return { subscription, heard, until };
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

async function listeners(database: PostgresDatabase): Promise<readonly number[]> {
  const { rows } = await database.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'`,
  );
  return rows.map(({ pid }) => pid);
}

test('a subscriber hears what its pattern means, after a gap as listening begins', async () => {
  const { database } = await createTestDatabase();
  const all = listenTo(database, '>');
  await all.until(1);
  const others = Object.fromEntries(
    ['data.*', 'data.>', 'jobs.run'].map((pattern) => [pattern, listenTo(database, pattern)]),
  );
  for (const { until } of Object.values(others)) await until(1);
  const sent = [event('data.schema'), event('data.schema.public', ' two  words\n'), event('jobs.run', '{"id":"ä#1"}')];
  for (const one of sent) if (one.kind === 'event') await database.events.publish(one.subject, one.payload);
  // As an operator does.
  await database.query("NOTIFY reactor_events, 'data.last'");
  sent.push(event('data.last'));
  expect(await all.until(5)).toEqual([gap, ...sent]);
  expect(Object.fromEntries(Object.entries(others).map(([pattern, { heard }]) => [pattern, heard.slice(1)]))).toEqual({
    'data.*': [sent[0], sent[3]],
    'data.>': [sent[0], sent[1], sent[3]],
    'jobs.run': [sent[2]],
  });
  expect(await listeners(database)).toHaveLength(1);
});

test('another process hears it, too', async () => {
  const { database, connectionString } = await createTestDatabase();
  const other = listenTo(openPool(connectionString), 'a');
  await other.until(1);
  await database.events.publish('a', 'from here');
  expect(await other.until(2)).toEqual([gap, event('a', 'from here')]);
});

test('the connection is opened by the first subscriber and closed by the last', async () => {
  const { database } = await createTestDatabase();
  await database.events.publish('a');
  expect(await listeners(database)).toEqual([]);
  const [first, second] = [listenTo(database, 'a'), listenTo(database, 'b')];
  await Promise.all([first.until(1), second.until(1)]);
  const [pid] = await listeners(database);
  await first.subscription.stop();
  await first.subscription.stop();
  expect(await listeners(database)).toEqual([pid]);
  await database.events.publish('a');
  await database.events.publish('b');
  expect(await second.until(2)).toEqual([gap, event('b')]);
  expect(first.heard).toEqual([gap]);
  await second.subscription.stop();
  await vi.waitFor(async () => expect(await listeners(database)).toEqual([]));
  const third = listenTo(database, 'c');
  await third.until(1);
  await database.events.publish('c');
  expect(await third.until(2)).toEqual([gap, event('c')]);
});

test.each([7_900, 8_000, 100_000, 1_048_576])('a payload of %i bytes arrives whole', async (bytes) => {
  const { database, connectionString } = await createTestDatabase();
  const { until } = listenTo(openPool(connectionString), 'large');
  await until(1);
  const payload = 'ä#"\n'.repeat(bytes / 4).slice(0, (bytes * 4) / 5 - 1);
  await database.events.publish('large', payload);
  await database.events.publish('large', 'next');
  expect(await until(3)).toEqual([gap, event('large', payload), event('large', 'next')]);
});

test('a payload that is gone is a gap, and old ones are removed by who publishes', async () => {
  const { database } = await createTestDatabase();
  const long = 'x'.repeat(10_000);
  const { until } = listenTo(database, '*');
  await until(1);
  await database.transaction(async (transaction) => {
    await database.events.publish('gone', long, transaction);
    await transaction.query('DELETE FROM reactor.event_payloads');
  });
  expect(await until(2)).toEqual([gap, gap]);
  await database.events.publish('kept', long);
  await database.query("UPDATE reactor.event_payloads SET published_at = now() - interval '11 minutes'");
  await database.events.publish('kept', long);
  const { rows } = await database.query('SELECT FROM reactor.event_payloads');
  expect(rows).toHaveLength(1);
});

test('several who publish the first long payload at once make one table', async () => {
  const { database, connectionString } = await createTestDatabase();
  const { until } = listenTo(database, 'a');
  await until(1);
  const pools = Array.from({ length: 4 }, () => openPool(connectionString));
  await Promise.all(pools.map(({ events }) => events.publish('a', 'x'.repeat(10_000))));
  expect((await until(5)).map(({ kind }) => kind)).toEqual(['gap', 'event', 'event', 'event', 'event']);
});

test('a first long payload within a transaction takes no further connection', async () => {
  const { database: other, connectionString } = await createTestDatabase();
  const { until } = listenTo(other, 'a');
  await until(1);
  const database = openPool(connectionString, { poolMax: 2, acquireTimeoutMs: 1_000 });
  const begun = [gate(), gate()];
  await Promise.all(
    begun.map(({ open }) =>
      database.transaction(async (transaction) => {
        open();
        await Promise.all(begun.map(({ opened }) => opened));
        await database.events.publish('a', 'x'.repeat(9_000), transaction);
      }),
    ),
  );
  expect((await until(3)).map(({ kind }) => kind)).toEqual(['gap', 'event', 'event']);
});

test('a migration may publish the first long payload', async () => {
  const { database } = await createTestDatabase();
  const { until } = listenTo(database, 'a');
  await until(1);
  await database.transaction(async (transaction) => {
    await lockMigrations(transaction);
    await database.events.publish('a', 'x'.repeat(9_000), transaction);
  });
  expect(await until(2)).toEqual([gap, event('a', 'x'.repeat(9_000))]);
});

test('long payloads find their table again when it is gone, or its creation was rolled back', async () => {
  const { database } = await createTestDatabase();
  const { until } = listenTo(database, 'a');
  await until(1);
  const long = 'x'.repeat(9_000);
  const undone = database.transaction(async (transaction) => {
    await database.events.publish('a', long, transaction);
    throw new Error('no');
  });
  await expect(undone).rejects.toThrow('no');
  await database.events.publish('a', long);
  expect(await until(2)).toEqual([gap, event('a', long)]);
  await database.query('DROP TABLE reactor.event_payloads');
  await database.events.publish('a', long);
  expect(await until(3)).toEqual([gap, event('a', long), event('a', long)]);
});

test('an event of a transaction comes with its commit, equal ones once, and not at all when it is rolled back', async () => {
  const { database } = await createTestDatabase();
  const { until, heard } = listenTo(database, '*');
  await until(1);
  const undone = database.transaction(async (transaction) => {
    await database.events.publish('undone', 'short', transaction);
    await database.events.publish('undone', 'x'.repeat(10_000), transaction);
    throw new Error('no');
  });
  await expect(undone).rejects.toThrow('no');
  await database.transaction(async (transaction) => {
    for (let i = 0; i < 3; i++) await database.events.publish('done', 'same', transaction);
    await database.events.publish('seen');
    await until(2);
  });
  await until(3);
  await database.events.publish('last');
  await until(4);
  expect(heard).toEqual([gap, event('seen'), event('done', 'same'), event('last')]);
});

test('what a handler throws is logged and harms nobody else', async () => {
  const { connectionString } = await createTestDatabase();
  const { logger, lines } = recordingLogger();
  const database = openPool(connectionString, { logger });
  const failing = database.events.subscribe('a', async () => {
    throw new Error('not now');
  });
  onTestFinished(() => failing.stop());
  const { until } = listenTo(database, 'a');
  await until(1);
  await database.events.publish('a');
  await until(2);
  await vi.waitFor(() =>
    expect(lines.filter(({ message }) => message === 'an event handler failed')).toEqual(
      Array.from({ length: 2 }, () => ({
        level: 'error',
        target: 'reactor_server',
        message: 'an event handler failed',
        fields: { pattern: 'a', error: new Error('not now') },
      })),
    ),
  );
});

test('a handler that is too slow keeps nobody waiting, and is told of a gap', async () => {
  const { database } = await createTestDatabase();
  const heard: EventHint[] = [];
  const { opened, open } = gate();
  const slow = database.events.subscribe('a', async (one) => {
    heard.push(one);
    await opened;
  });
  onTestFinished(() => {
    open();
    return slow.stop();
  });
  const quick = listenTo(database, 'a');
  await quick.until(1);
  await vi.waitFor(() => expect(heard).toHaveLength(1));
  await database.query(
    `DO $$ BEGIN FOR i IN 1..10001 LOOP PERFORM pg_notify('reactor_events', 'a ' || i); END LOOP; END $$`,
  );
  await database.events.publish('a', 'after');
  expect((await quick.until(10_003)).at(-1)).toEqual(event('a', 'after'));
  open();
  await vi.waitFor(() => expect(heard).toEqual([gap, gap, event('a', 'after')]));
});

test('stopping waits for the handler at work, and calls none after it', async () => {
  const { database } = await createTestDatabase();
  const steps: string[] = [];
  let finish = () => {};
  const work = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const subscription = database.events.subscribe('a', async () => {
    steps.push('begun');
    await work;
    steps.push('ended');
  });
  await vi.waitFor(() => expect(steps).toEqual(['begun']));
  await database.events.publish('a');
  const stopped = subscription.stop();
  finish();
  await stopped;
  expect(steps).toEqual(['begun', 'ended']);
});

test('listens again after its connection was lost, and says so', async () => {
  const { database } = await createTestDatabase();
  const { until } = listenTo(database, 'news');
  await until(1);
  await database.query('SELECT pg_terminate_backend($1)', [(await listeners(database))[0]]);
  expect(await until(2)).toEqual([gap, gap]);
  await database.events.publish('news', 'again');
  expect(await until(3)).toEqual([gap, gap, event('news', 'again')]);
});

test('stops while the database cannot be reached, and when the database is closed', async () => {
  const unreachable = listenTo(openPool('postgresql://nobody@127.0.0.1:1/none'), 'news');
  await unreachable.subscription.stop();
  expect(unreachable.heard).toEqual([]);

  const { database, connectionString } = await createTestDatabase();
  const closing = openPool(connectionString);
  const { until } = listenTo(closing, 'news');
  await until(1);
  await closing.close();
  await vi.waitFor(async () => expect(await listeners(database)).toEqual([]));
  expect(() => closing.events.subscribe('news', () => {})).toThrow('the database is closed');
});

test('subscribers are told to ask, over and over, while the database cannot be listened to', async () => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString, {
    directConnectionString: 'postgresql://nobody@127.0.0.1:1/none',
    eventsPollMs: 20,
  });
  const { until, subscription } = listenTo(database, 'a');
  expect(new Set(await until(3))).toEqual(new Set([gap]));
  await subscription.stop();
});

test('subscribers are told to ask until listening begins again, and not after it', async () => {
  const { database, connectionString } = await createTestDatabase();
  const { until, heard } = listenTo(openPool(connectionString, { eventsPollMs: 20 }), 'a');
  const hears = async (payload: string) => {
    await vi.waitFor(async () => expect(await listeners(database)).toHaveLength(1), { timeout: 10_000 });
    await database.events.publish('a', payload);
    await vi.waitFor(() => expect(heard).toContainEqual(event('a', payload)));
    // The gap of the beginning may come after the first event, and not after this one.
    await database.events.publish('a', `${payload}!`);
    await vi.waitFor(() => expect(heard.at(-1)).toEqual(event('a', `${payload}!`)));
    return heard.length;
  };
  const before = await hears('before');
  const [pid] = await listeners(database);
  const name = new Client({ connectionString }).database;
  await runSql(adminConnectionString(), `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await database.query('SELECT pg_terminate_backend($1)', [pid]);
  expect(new Set((await until(before + 3)).slice(before))).toEqual(new Set([gap]));
  await runSql(adminConnectionString(), `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  const after = await hears('after');
  await database.query('SELECT pg_sleep(0.2)');
  expect(heard).toHaveLength(after);
});

test('behind a pooler subscribers are told to ask, over and over, and by a direct address they listen', async () => {
  const { database, connectionString } = await createTestDatabase();
  const { host, port, user, password, database: name } = new Client({ connectionString });
  const proxied = await keyChangingProxy(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
  const url = `postgresql://${user}:${password ?? ''}@127.0.0.1:${proxied}/${name}`;
  const { logger, lines } = recordingLogger();
  const pooled = openPool(url, { logger, eventsPollMs: 10 });
  const { until, subscription } = listenTo(pooled, 'a');
  const later = listenTo(pooled, 'b');
  expect(new Set(await until(4))).toEqual(new Set([gap]));
  await later.until(1);
  await pooled.events.publish('a');
  expect(await listeners(database)).toEqual([]);
  await Promise.all([subscription.stop(), later.subscription.stop()]);
  expect(lines.filter(({ message }) => message.endsWith('polling'))).toMatchObject([{ fields: { interval_ms: 10 } }]);

  const direct = listenTo(openPool(url, { directConnectionString: connectionString }), 'a');
  await direct.until(1);
  await pooled.events.publish('a', 'heard');
  expect(await direct.until(2)).toEqual([gap, event('a', 'heard')]);
});

test('what handlers are called with is counted', async () => {
  const { database } = await createTestDatabase();
  const { until } = listenTo(database, 'a');
  await until(1);
  await database.events.publish('a');
  await until(2);
  const failing = database.events.subscribe('a', () => {
    throw new Error('no');
  });
  onTestFinished(() => failing.stop());
  const { metrics } = database;
  const counted = async (name: string) => {
    const family = metrics.families.find((one) => one.name === name);
    return Object.fromEntries(
      ((await family?.get())?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(), value]),
    );
  };
  await vi.waitFor(async () => expect(await counted('reactor_events_handled_total')).toEqual({ ok: 2, failed: 1 }));
  const none = { polled: 0, overflow: 0, payload_gone: 0 };
  expect(await counted('reactor_events_gaps_total')).toEqual({ ...none, listening: 2 });
});

test('what is no event is counted, and said once a minute', async () => {
  const { connectionString } = await createTestDatabase();
  const { logger, lines } = recordingLogger();
  let minutes = 0;
  const clock = { ...systemClock, monotonic: () => minutes * 60_000 };
  const database = openPool(connectionString, { logger, clock });
  const { until } = listenTo(database, '>');
  await until(1);
  const send = async (text: string) => database.query("SELECT pg_notify('reactor_events', $1)", [text]);
  for (const text of ['', 'nö', 'a#b', '.a b']) await send(text);
  await database.events.publish('a');
  expect(await until(2)).toEqual([gap, event('a')]);
  minutes++;
  for (const text of ['.', '.']) await send(text);
  await database.events.publish('a');
  await until(3);
  const said = lines.filter(({ message }) => message === 'a notification is not an event');
  expect(said).toMatchObject([
    { level: 'warn', fields: { count: 1 } },
    { level: 'warn', fields: { count: 4 } },
  ]);
  const { families } = database.metrics;
  const malformed = await families.find(({ name }) => name === 'reactor_events_malformed_total')?.get();
  expect(malformed?.values.map(({ value }) => value)).toEqual([6]);
});

test('a handler that is too slow again and again is said once a minute', async () => {
  const { connectionString } = await createTestDatabase();
  const { logger, lines } = recordingLogger();
  let minutes = 0;
  const database = openPool(connectionString, {
    logger,
    clock: { ...systemClock, monotonic: () => minutes * 60_000 },
  });
  const { opened, open } = gate();
  const slow = database.events.subscribe('a', () => opened);
  onTestFinished(() => {
    open();
    return slow.stop();
  });
  const quick = listenTo(database, 'b');
  await quick.until(1);
  const flood = async (events: number) => {
    const before = quick.heard.length;
    await database.query(
      `DO $$ BEGIN FOR i IN 1..${events} LOOP PERFORM pg_notify('reactor_events', 'a ' || i); END LOOP; END $$`,
    );
    await database.events.publish('b');
    await quick.until(before + 1);
  };
  await flood(30_010);
  minutes++;
  await flood(10_010);
  const said = lines.filter(({ message }) => message === 'an event handler is too slow');
  expect(said.map(({ fields }) => fields)).toEqual([
    { pattern: 'a', count: 1, dropped: 10_000 },
    { pattern: 'a', count: 3, dropped: 30_000 },
  ]);
});

test('closing the database waits for a handler, but not for ever', async () => {
  const { database, connectionString } = await createTestDatabase();
  const closing = openPool(connectionString);
  const called = gate();
  closing.events.subscribe('a', () => {
    called.open();
    return new Promise<void>(() => {});
  });
  await called.opened;
  await closing.close();
  expect(await listeners(database)).toEqual([]);
}, 15_000);

test('a subject, payload or pattern of another form is refused', async () => {
  const { database } = await createTestDatabase();
  await expect(database.events.publish('a b')).rejects.toThrow(RangeError);
  await expect(database.events.publish('a', 'x'.repeat(1_048_577))).rejects.toThrow(RangeError);
  expect(() => database.events.subscribe('a.', () => {})).toThrow(RangeError);
});
