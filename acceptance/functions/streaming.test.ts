import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { deploy } from '../support/functions.js';
import { linesOf } from '../support/log.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

/** Of the whole stream; a quarter of it passes between two events. */
const SECONDS = Number(process.env.REACTOR_TEST_SSE_SECONDS ?? 4);
const MEGABYTES = 210;
const MEGABYTE = 1_000_000;

const server = await startServer();

test(
  `events over ${SECONDS} s with gaps of a quarter of it come one by one, each when it was sent`,
  async () => {
    const gapMs = (SECONDS * 1_000) / 4;
    await deploy(
      server,
      'ticker',
      `export default () => {
       let sent = 0;
       const stream = new ReadableStream({
         async pull(controller) {
           if (sent > 0) await Bun.sleep(${gapMs});
           controller.enqueue('data: ' + JSON.stringify({ sent, at: Date.now() }) + '\\n\\n');
           if (++sent === 5) controller.close();
         },
       });
       return new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } });
     }`,
      { limits: { timeout_ms: SECONDS * 1_000 + 20_000 } },
    );
    const answer = await fetch(`${server.url}/fn/v1/ticker`);
    expect(answer.headers.get('Content-Type')).toBe('text/event-stream');
    const got: { sent: number; at: number; delay: number }[] = [];
    for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
      const event = JSON.parse(Buffer.from(chunk).toString().replace('data: ', '')) as { sent: number; at: number };
      got.push({ ...event, delay: Date.now() - event.at });
    }
    expect(got.map(({ sent }) => sent)).toEqual([0, 1, 2, 3, 4]);
    // Whatever holds an event back holds it until the next one.
    expect(Math.max(...got.map(({ delay }) => delay))).toBeLessThan(gapMs);
    expect((got[4]?.at ?? 0) - (got[0]?.at ?? 0)).toBeGreaterThanOrEqual(4 * gapMs - 50);
  },
  SECONDS * 1_000 + 60_000,
);

async function residentBytes({ pid }: TestServer, key: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1_024;
}

/** Its own megabyte each, so that one which is lost, doubled or out of order is noticed. */
const part = (index: number) => Buffer.alloc(MEGABYTE, index);

const WHOLE = (() => {
  const hash = createHash('sha256');
  for (let i = 0; i < MEGABYTES; i++) hash.update(part(i));
  return hash.digest('hex');
})();

test(`${MEGABYTES} MB go in and come out whole, and the server never holds them`, async () => {
  await deploy(
    server,
    'pipe',
    `export default async (request) => {
       const { pathname } = new URL(request.url);
       if (pathname === '/hash') {
         const hash = new Bun.CryptoHasher('sha256');
         for await (const chunk of request.body) hash.update(chunk);
         return new Response(hash.digest('hex'));
       }
       if (pathname === '/echo') return new Response(request.body);
       let sent = 0;
       return new Response(new ReadableStream({
         pull(controller) {
           if (sent === ${MEGABYTES}) controller.close();
           else controller.enqueue(new Uint8Array(${MEGABYTE}).fill(sent++));
         },
       }));
     }`,
    { limits: { max_body_in_mb: 300, max_body_out_mb: 300, timeout_ms: 120_000, memory_mb: 512 } },
  );
  expect((await fetch(`${server.url}/fn/v1/pipe/hash`, { method: 'POST', body: 'x' })).status).toBe(200);
  const before = await residentBytes(server, 'VmRSS');

  const uploaded = await upload('/fn/v1/pipe/hash');
  expect(Buffer.concat(await chunksOf(uploaded)).toString()).toBe(WHOLE);
  expect(await hashOf(await fetch(`${server.url}/fn/v1/pipe`))).toBe(WHOLE);
  const echoed = await upload('/fn/v1/pipe/echo');
  const hash = createHash('sha256');
  for await (const chunk of echoed) hash.update(chunk);
  expect(hash.digest('hex')).toBe(WHOLE);

  expect((await residentBytes(server, 'VmHWM')) - before).toBeLessThan(120 * MEGABYTE);
}, 180_000);

test('a client that reads nothing, and a function that reads nothing, make the server hold little', async () => {
  await deploy(
    server,
    'hose',
    `let asked = 0;
     export default async (request) => {
       if (new URL(request.url).pathname === '/asked') return new Response(String(asked));
       if (request.method === 'POST') { await Bun.sleep(3_000); return new Response('done'); }
       return new Response(new ReadableStream({ pull(c) { asked++; c.enqueue(new Uint8Array(${MEGABYTE})); } }));
     }`,
    { limits: { max_body_in_mb: 300, max_body_out_mb: 300, timeout_ms: 60_000 }, concurrency: { max_instances: 1 } },
  );
  const asked = async () => Number(await (await fetch(`${server.url}/fn/v1/hose/asked`)).text());
  await asked();
  const before = await residentBytes(server, 'VmRSS');
  const slow = Array.from({ length: 8 }, () => {
    const call = request(`${server.url}/fn/v1/hose`, (answer) => answer.pause());
    call.on('error', () => {}).end();
    return call;
  });
  // It flows until every buffer on the way is full, and then no further.
  let last = -1;
  await until('the functions to be held back', async () => {
    const now = await asked();
    const isStill = now > 0 && now === last;
    last = now;
    return isStill || undefined;
  });
  expect(await asked()).toBeLessThan(8 * 20);
  for (const call of slow) call.destroy();

  const answers = await Promise.all(Array.from({ length: 4 }, () => upload('/fn/v1/hose', 30)));
  for (const answer of answers) expect(Buffer.concat(await chunksOf(answer)).toString()).toBe('done');
  expect((await residentBytes(server, 'VmHWM')) - before).toBeLessThan(150 * MEGABYTE);
  await until('each client that left', async () => {
    const left = linesOf(server).filter(({ fields }) => fields.function === 'hose' && fields.aborted === true);
    return left.length === 8 || undefined;
  });
}, 120_000);

/** Sends as fast as it is taken. */
function upload(to: string, megabytes = MEGABYTES): Promise<AsyncIterable<Buffer>> {
  return new Promise((resolve, reject) => {
    const call = request(`${server.url}${to}`, { method: 'POST' }, resolve);
    call.on('error', reject);
    let sent = 0;
    const go = () => {
      while (sent < megabytes) if (!call.write(part(sent++))) return void call.once('drain', go);
      call.end();
    };
    go();
  });
}

async function chunksOf(stream: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function hashOf({ body }: Response): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body as ReadableStream<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}
