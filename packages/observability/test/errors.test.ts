import { coreErrors, limitBody, ReactorError } from '@reactor/core';
import { listen } from '@reactor/testing';
import { HTTPException } from 'hono/http-exception';
import { expect, test } from 'vitest';
import { createApp } from './app.js';

function appThatThrows(error: unknown) {
  const setUp = createApp();
  setUp.app.get('/jobs/v1/x', () => {
    throw error;
  });
  return setUp;
}

async function answerTo(error: unknown) {
  const { request, lines } = appThatThrows(error);
  const response = await request('/jobs/v1/x', { headers: { 'X-Request-Id': 'r-1' } });
  return {
    response,
    body: await response.text(),
    lines: lines.filter(({ message }) => message !== 'request completed'),
  };
}

test('a ReactorError is answered as it says, and not logged when it is the caller’s', async () => {
  const error = new ReactorError('bucket_full', 409, 'No room.', { details: { free: 0 }, headers: { 'X-Free': '0' } });
  const { response, body, lines } = await answerTo(error);
  expect(response.status).toBe(409);
  expect(JSON.parse(body)).toEqual({
    error: { code: 'bucket_full', message: 'No room.', status: 409, request_id: 'r-1', details: { free: 0 } },
  });
  expect(response.headers.get('X-Free')).toBe('0');
  expect(response.headers.get('Content-Type')).toBe('application/json');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  expect(lines).toEqual([]);
});

test('an unknown error says nothing to the caller and everything to the log', async () => {
  const fault = new Error('connect to postgres://admin:hunter2@db failed');
  const { response, body, lines } = await answerTo(fault);
  expect(response.status).toBe(500);
  expect(JSON.parse(body)).toEqual({
    error: {
      code: 'internal_error',
      message: 'The server failed to answer this request.',
      status: 500,
      request_id: 'r-1',
    },
  });
  expect(lines).toMatchObject([
    { level: 'error', target: 'reactor_jobs', message: 'request failed', fields: { request_id: 'r-1', error: fault } },
  ]);
});

test('a 503 is logged with its cause, as a warning', async () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const { lines } = await answerTo(coreErrors.create.database_unavailable('Down.', { cause }));
  expect(lines).toMatchObject([{ level: 'warn', message: 'request failed' }]);
  expect(lines[0]?.fields).toEqual({
    request_id: 'r-1',
    code: 'database_unavailable',
    status: 503,
    reason: 'connect ECONNREFUSED',
    cause_code: 'ECONNREFUSED',
  });
});

test.each([
  [new ReactorError('full', 507, 'Full.', { cause: new Error('no space') }), { code: 'full', reason: 'no space' }],
  [new ReactorError('full', 507, 'Full.', { cause: 'no space' }), { code: 'full', reason: 'no space' }],
  [new ReactorError('closed', 503, 'Closed.'), { code: 'closed', reason: 'Closed.' }],
  [
    new ReactorError('gone', 503, 'Gone.', {
      cause: Object.assign(new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]), {
        code: 'ECONNREFUSED',
      }),
    }),
    { code: 'gone', reason: '::1 refused; 127.0.0.1 refused', cause_code: 'ECONNREFUSED' },
  ],
])('an outage is one line without a stack (%#)', async (error, fields) => {
  const { lines } = await answerTo(error);
  expect(lines).toMatchObject([{ level: 'warn' }]);
  expect(lines[0]?.fields).toEqual({ request_id: 'r-1', status: error.status, ...fields });
});

test('any other 5xx keeps the stack of its cause', async () => {
  const cause = new Error('unreadable');
  const { lines } = await answerTo(new ReactorError('blob_damaged', 500, 'Damaged.', { cause }));
  expect(lines).toMatchObject([{ level: 'error', fields: { code: 'blob_damaged', status: 500, error: cause } }]);
});

test('a 401 always carries a challenge, its own when it has one', async () => {
  const plain = await answerTo(coreErrors.create.unauthorized('Who are you?'));
  expect(plain.response.headers.get('WWW-Authenticate')).toBe('Bearer');
  const own = await answerTo(
    coreErrors.create.unauthorized('Who are you?', { headers: { 'WWW-Authenticate': 'Basic realm="x"' } }),
  );
  expect(own.response.headers.get('WWW-Authenticate')).toBe('Basic realm="x"');
});

test.each([
  [new HTTPException(403, { message: 'CSRF token missing' }), 403, 'forbidden', 'CSRF token missing'],
  [new HTTPException(418, { message: 'Short and stout' }), 418, 'invalid_request', 'Short and stout'],
  [new HTTPException(404), 404, 'not_found', 'Not Found.'],
  [new HTTPException(502, { message: 'secret upstream' }), 502, 'internal_error', 'Bad Gateway.'],
])('an HTTPException keeps its status (%#)', async (error, status, code, message) => {
  const { response, body } = await answerTo(error);
  expect(response.status).toBe(status);
  expect(JSON.parse(body).error).toEqual({ code, message, status, request_id: 'r-1' });
});

test('the headers of an HTTPException stay, its body does not', async () => {
  const res = new Response('own body', { status: 429, headers: { 'Retry-After': '7', 'Content-Type': 'text/plain' } });
  const { response, body } = await answerTo(new HTTPException(429, { res, message: 'Slow down.' }));
  expect(response.headers.get('Retry-After')).toBe('7');
  expect(response.headers.get('Content-Type')).toBe('application/json');
  expect(JSON.parse(body).error.code).toBe('too_many_requests');
});

const sqlError = (code: string) => Object.assign(new Error('value "s3cret"'), { code, severity: 'ERROR' });

test.each([
  [sqlError('23505'), 409, 'conflict'],
  [sqlError('40001'), 503, 'write_conflict'],
  [sqlError('42P01'), 500, 'internal_error'],
  [Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }), 500, 'internal_error'],
])('an SQL error nobody translated gets the nearest answer without its text (%#)', async (error, status, code) => {
  const { response, body } = await answerTo(error);
  expect([response.status, JSON.parse(body).error.code]).toEqual([status, code]);
  expect(body).not.toContain('s3cret');
});

test('a malformed body is the caller’s mistake, malformed JSON of ours is not', async () => {
  const { app, request } = createApp();
  app.post('/json', async (c) => c.json(await c.req.json()));
  app.post('/form', async (c) => c.json(Object.keys(await c.req.parseBody())));
  app.post('/ours', async (c) => {
    await c.req.text();
    return c.json(JSON.parse('{'));
  });
  const post = async (path: string, body: string, type = 'application/json') => {
    const response = await request(path, { method: 'POST', body, headers: { 'Content-Type': type } });
    return [response.status, await response.json()];
  };
  expect(await post('/json', '{"a":')).toMatchObject([
    400,
    { error: { code: 'invalid_request', message: expect.stringMatching(/^The request body is not valid JSON: /) } },
  ]);
  expect(await post('/json', '')).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  expect(await post('/form', 'nonsense', 'multipart/form-data; boundary=x')).toMatchObject([
    400,
    { error: { code: 'invalid_request' } },
  ]);
  expect(await post('/ours', '{"fine":true}')).toMatchObject([500, { error: { code: 'internal_error' } }]);
});

test('an unknown path is a 404, a known path with another method a 405 with Allow', async () => {
  const { app, durations, request } = createApp();
  app.use('/jobs/v1/*', async (_, next) => next());
  app.get('/jobs/v1/runs/:id', (c) => (c.req.param('id') === 'gone' ? c.notFound() : c.text('run')));
  app.delete('/jobs/v1/runs/:id', (c) => c.body(null, 204));
  app.get('/*', async (_, next) => next());

  const missing = await request('/jobs/v1/nope');
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error: { code: 'not_found', message: 'Nothing is at /jobs/v1/nope.' } });

  const wrong = await request('/jobs/v1/runs/7', { method: 'PUT', headers: { 'X-Request-Id': 'r-5' } });
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get('Allow')).toBe('GET, HEAD, DELETE');
  expect(await wrong.json()).toMatchObject({
    error: { code: 'method_not_allowed', request_id: 'r-5', details: { allowed: ['GET', 'HEAD', 'DELETE'] } },
  });
  expect((await request('/jobs/v1/runs/gone')).status).toBe(404);
  expect((await request('/anything', { method: 'POST' })).status).toBe(404);

  expect(await durations('jobs', 'unmatched')).toBe(2);
  expect(await durations('jobs', '/jobs/v1/runs/:id')).toBe(1);
});

test('a body over the limit is refused by its declared length, unread', async () => {
  const { app, request } = createApp();
  let reached = false;
  app.post('/', limitBody(10), async (c) => {
    reached = true;
    return c.text(await c.req.text());
  });
  const post = (body: string) =>
    request('/', { method: 'POST', body, headers: { 'Content-Length': `${body.length}` } });
  expect(await (await post('x'.repeat(10))).text()).toBe('x'.repeat(10));
  reached = false;
  const refused = await post('x'.repeat(11));
  expect(refused.status).toBe(413);
  expect(await refused.json()).toMatchObject({
    error: { code: 'payload_too_large', message: 'The request body is larger than 10 bytes.' },
  });
  expect(reached).toBe(false);
});

test('a chunked body is cut at the limit, over a real socket, however it is read', async () => {
  const { app, requests, server } = createApp();
  app.use(limitBody(1000));
  app.post('/text', async (c) => c.text(String((await c.req.text()).length)));
  app.post('/json', async (c) => c.json(await c.req.json()));
  app.post('/stream', async (c) => {
    let size = 0;
    for await (const chunk of c.req.raw.body ?? []) size += chunk.byteLength;
    return c.text(String(size));
  });
  const { url } = await listen(server);
  const send = (path: string, chunks: number) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < chunks; i++) controller.enqueue(new Uint8Array(100).fill(49));
        controller.close();
      },
    });
    return fetch(`${url}${path}`, { method: 'POST', body, duplex: 'half' } as RequestInit);
  };
  for (const path of ['/text', '/stream', '/json']) {
    expect((await send(path, 10)).status).toBe(200);
    const refused = await send(path, 11);
    expect([path, refused.status]).toEqual([path, 413]);
    expect(await refused.json()).toMatchObject({ error: { code: 'payload_too_large' } });
  }
  expect(await requests('server', 'POST', 413)).toBe(3);
});
