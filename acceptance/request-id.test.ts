import { expect, test } from 'vitest';
import { startServer } from './support/server.js';

const OK = ['/health', '/livez', '/readyz', '/metrics', '/_api/openapi.json', '/auth/v1/keys', '/auth/v1/health'];

test('every answer carries X-Request-Id, errors name it too, and one that was sent is kept', async () => {
  const server = await startServer();
  const json = { 'Content-Type': 'application/json' };
  const requests: [number, string, RequestInit?][] = [
    ...OK.map((path): [number, string] => [200, path]),
    [200, '/health', { method: 'HEAD' }],
    [200, '/_admin/logs', { headers: { Authorization: `Bearer ${server.token}` } }],
    [202, '/_admin/shutdown', { method: 'POST', headers: { Authorization: `Bearer ${server.token}` } }],
    [400, '/auth/v1/signup', { method: 'POST', headers: json, body: '{' }],
    [401, '/auth/v1/user'],
    [401, '/_admin/doctor'],
    [403, '/_admin/doctor', { headers: { Forwarded: 'for=192.0.2.1' } }],
    [404, '/nowhere'],
    [404, '/storage/v1/object/none/a'],
    [405, '/health', { method: 'DELETE' }],
    [413, '/auth/v1/login', { method: 'POST', headers: json, body: `"${'x'.repeat(2_000_000)}"` }],
  ];
  // The stop that it asks for comes last.
  requests.sort(([, a], [, b]) => Number(a === '/_admin/shutdown') - Number(b === '/_admin/shutdown'));
  for (const [status, path, init = {}] of requests) {
    const headers = { ...(init.headers as Record<string, string>), 'X-Request-Id': 'test-request-123' };
    const minted = path === '/_admin/shutdown' ? undefined : await fetch(`${server.url}${path}`, init);
    if (minted !== undefined) {
      expect([path, minted.status]).toEqual([path, status]);
      expect([path, minted.headers.get('X-Request-Id')]).toEqual([path, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
      await minted.body?.cancel();
    }
    const kept = await fetch(`${server.url}${path}`, { ...init, headers });
    expect([path, kept.status, kept.headers.get('X-Request-Id')]).toEqual([path, status, 'test-request-123']);
    const body = await kept.text();
    if (status >= 400) expect(JSON.parse(body)).toMatchObject({ error: { status, request_id: 'test-request-123' } });
  }
});
