import { expect, onTestFinished, test } from 'vitest';
import { openPool, serverOfThisFile } from './support/servers.js';

const server = await serverOfThisFile();

/** What is heard, in order, and a way to await the next of it. */
function listenTo(database: ReturnType<typeof openPool>, channel: string) {
  const heard: (string | undefined)[] = [];
  let wake = () => {};
  const subscription = database.listen(channel, (payload) => {
    heard.push(payload);
    wake();
  });
  onTestFinished(() => subscription.stop());
  const until = async (count: number) => {
    while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve));
    return heard;
  };
  return { subscription, heard, until };
}

test('hears notifications, and says when it began to listen', async () => {
  const { database } = await server.createDatabase();
  const { until, heard, subscription } = listenTo(database, 'odd "name"');
  await until(1);
  await database.query(`NOTIFY "odd ""name""", 'one'`);
  await database.query(`NOTIFY "odd ""name"""`);
  expect(await until(3)).toEqual([undefined, 'one', '']);
  await subscription.stop();
  await subscription.stop();
  await database.query(`NOTIFY "odd ""name""", 'two'`);
  expect(heard).toHaveLength(3);
});

test('listens again after its connection was lost, and says so', async () => {
  const { database } = await server.createDatabase();
  const { until } = listenTo(database, 'news');
  await until(1);
  await database.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`,
  );
  expect(await until(2)).toEqual([undefined, undefined]);
  await database.query(`NOTIFY news, 'again'`);
  expect(await until(3)).toEqual([undefined, undefined, 'again']);
});

test('stops while the database cannot be reached', async () => {
  const database = openPool('postgresql://nobody@127.0.0.1:1/none');
  const { subscription, heard } = listenTo(database, 'news');
  await subscription.stop();
  expect(heard).toEqual([]);
});
