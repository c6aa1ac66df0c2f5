import { readdir, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createBucket, type SignedUp, signUp } from '../support/client.js';
import { linesOf } from '../support/log.js';
import { writeMigrations } from '../support/migrations.js';
import { type Random, randomOf } from '../support/random.js';
import { projectDirectory, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const UPLOADS = Number(process.env.REACTOR_TEST_CUT_UPLOADS ?? 50);
const CONNECTIONS = 8;

const NOTES = `
  CREATE TABLE notes (id int PRIMARY KEY, text text);
  policy open on notes for all using (true) check (true);`;

const storage = { method: 'PUT', path: '/storage/v1/object/attic/', maxBytes: 400_000, before: '', after: '' };

/** Where bodies go, up to which size, and what stands around their text. */
const TARGETS = [
  storage,
  storage,
  { method: 'POST', path: '/data/v1/notes', maxBytes: 400_000, before: '{"id":1,"text":"', after: '"}' },
  { method: 'POST', path: '/auth/v1/login', maxBytes: 60_000, before: '{"email":"a@b.c","password":"', after: '"}' },
];

interface CutUpload {
  readonly requestId: string;
  readonly how: 'end' | 'resetAndDestroy';
  /** What the client sent before it left. */
  readonly bytes: Buffer;
  readonly inBody: boolean;
}

function cutUpload(random: Random, person: SignedUp, index: number): CutUpload {
  const { pick, below } = random;
  const target = pick(TARGETS);
  const body = target.before + 'x'.repeat(1 + below(target.maxBytes)) + target.after;
  const requestId = `cut-${index}`;
  const chunked = below(2) === 0;
  const head = [
    `${target.method} ${target.path}${target === storage ? index : ''} HTTP/1.1`,
    'Host: localhost',
    `X-Request-Id: ${requestId}`,
    // Sign-in is limited by address.
    `X-Forwarded-For: 192.0.2.${index % 250}`,
    `Authorization: Bearer ${person.access_token}`,
    'Content-Type: application/json',
    chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`,
    ...(below(4) === 0 ? ['Expect: 100-continue'] : []),
  ];
  const headers = `${head.join('\r\n')}\r\n\r\n`;
  const sent = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  // One in ten leaves before its headers have ended.
  const inBody = below(10) > 0;
  const length = inBody ? headers.length + below(sent.length) : below(headers.length);
  return {
    requestId,
    how: pick(['end', 'resetAndDestroy']),
    bytes: Buffer.from((headers + sent).slice(0, length)),
    inBody,
  };
}

/** Sends what there is, then leaves at once. */
async function leave(port: number, { bytes, how }: CutUpload): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.write(bytes, () => socket[how]());
  });
}

/** Requests of the capabilities that are being handled. */
async function inFlight(server: TestServer): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const samples = [...text.matchAll(/^reactor_http_requests_in_flight\{capability="(\w+)"\} (\d+)$/gm)];
  if (samples.length === 0) throw new Error('no gauge of requests in flight');
  return samples.reduce((sum, [, name, value]) => sum + (name === 'server' ? 0 : Number(value)), 0);
}

/** Files below the folder that the process has open. */
async function descriptorsBelow(pid: number, folder: string): Promise<string[]> {
  const folderOfPid = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    // One that was closed after the listing has no target.
    (await readdir(folderOfPid)).map((name) => readlink(path.join(folderOfPid, name)).catch(() => '')),
  );
  return targets.filter((target) => target.startsWith(folder));
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

test(`${UPLOADS} uploads whose clients leave at some point: counted as 499, and nothing of them is left`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  console.info(`seed ${seed}`);
  const random = randomOf(seed);
  const directory = await projectDirectory();
  const environment = {
    ...(await writeMigrations(directory, { '001_notes': NOTES })),
    REACTOR_SERVER__TRUSTED_PROXIES: '127.0.0.1',
  };
  const server = await startServer({ directory, environment });
  const person = await signUp(server);
  await createBucket(server, 'attic');
  const stderr = server.stderr();
  const blobs = path.join(server.stateDirectory, 'blobs');
  const files = await filesBelow(blobs);
  const port = Number(new URL(server.url).port);

  const uploads = Array.from({ length: UPLOADS }, (_, index) => cutUpload(random, person, index));
  const waiting = [...uploads];
  const client = async () => {
    for (let upload = waiting.pop(); upload !== undefined; upload = waiting.pop()) await leave(port, upload);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));

  const linesFor = (id: string) => linesOf(server).filter(({ fields }) => fields.request_id === id);
  const closedInBody = uploads.filter(({ how, inBody }) => how === 'end' && inBody);
  await until('the line of each upload that was closed in its body', async () =>
    closedInBody.every(({ requestId }) => linesFor(requestId).length > 0) ? true : undefined,
  );
  await until('no request in flight', async () => ((await inFlight(server)) === 0 ? true : undefined));
  const left = { files: await filesBelow(blobs), descriptors: await descriptorsBelow(server.pid, blobs) };
  expect(left, `seed ${seed}`).toEqual({ files, descriptors: [] });

  const wrong = uploads.flatMap((upload) => {
    const lines = linesFor(upload.requestId).map(({ fields }) => `${fields.message} ${fields.status}`);
    // What was in the buffers when a connection is reset is not read any more.
    const expected = upload.inBody && (upload.how === 'end' || lines.length > 0) ? ['request completed 499'] : [];
    return JSON.stringify(lines) === JSON.stringify(expected) ? [] : [{ ...upload, bytes: upload.bytes.length, lines }];
  });
  expect(wrong, `seed ${seed}`).toEqual([]);
  expect(linesOf(server).filter(({ level }) => level === 'ERROR')).toEqual([]);
  expect(server.stderr()).toBe(stderr);
}, 180_000);

test('bytes behind a request: it is answered, then refused, with one line and one id each', async () => {
  const server = await startServer();
  const stderr = server.stderr();
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
  });
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n\x01\x02');
  await new Promise((resolve) => socket.once('close', resolve));
  const answers = [...received.matchAll(/HTTP\/1\.1 (\d{3})[\s\S]*?x-request-id: (\S+)/gi)];
  expect(answers.map(([, status]) => status)).toEqual(['200', '400']);
  const lines = await until('both lines', async () => {
    const ids = answers.map(([, , id]) => linesOf(server).filter(({ fields }) => fields.request_id === id));
    return ids.every((found) => found.length > 0) ? ids : undefined;
  });
  expect(lines.map((found) => found.map(({ fields }) => `${fields.message} ${fields.status}`))).toEqual([
    ['request completed 200'],
    ['request refused 400'],
  ]);
  expect(server.stderr()).toBe(stderr);
});
