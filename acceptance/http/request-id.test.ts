import { expect, test } from 'vitest';
import { startServer } from '../support/server.js';

const OPEN = ['/health', '/livez', '/readyz', '/metrics', '/_api/openapi.json', '/auth/v1/keys', '/auth/v1/health'];

test('every answer carries X-Request-Id; one that was sent is kept, and an error names it', async () => {
  const server = await startServer();
  const admin = { Authorization: `Bearer ${server.token}` };
  const json = { 'Content-Type': 'application/json' };
  const requests: [status: number, path: string, init?: RequestInit & { headers?: Record<string, string> }][] = [
    ...OPEN.map((path): [number, string] => [200, path]),
    [200, '/health', { method: 'HEAD' }],
    [200, '/_admin/logs', { headers: admin }],
    [400, '/auth/v1/signup', { method: 'POST', headers: json, body: '{' }],
    [401, '/auth/v1/user'],
    [401, '/_admin/doctor'],
    [403, '/_admin/doctor', { headers: { Forwarded: 'for=192.0.2.1' } }],
    [404, '/nowhere'],
    [404, '/storage/v1/object/none/a', { headers: admin }],
    [405, '/health', { method: 'DELETE' }],
    [413, '/auth/v1/login', { method: 'POST', headers: json, body: `"${'x'.repeat(2_000_000)}"` }],
  ];
  for (const [status, path, init = {}] of requests) {
    const minted = await fetch(`${server.url}${path}`, init);
    await minted.body?.cancel();
    expect([path, minted.status]).toEqual([path, status]);
    expect([path, minted.headers.get('X-Request-Id')]).toEqual([path, expect.stringMatching(/^[0-9a-f-]{36}$/)]);

    const headers = { ...init.headers, 'X-Request-Id': 'test-request-123' };
    const kept = await fetch(`${server.url}${path}`, { ...init, headers });
    expect([path, kept.headers.get('X-Request-Id')]).toEqual([path, 'test-request-123']);
    const body = await kept.text();
    if (status >= 400) expect(JSON.parse(body)).toMatchObject({ error: { status, request_id: 'test-request-123' } });
  }
});
