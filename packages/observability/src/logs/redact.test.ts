import { describe, expect, test } from 'vitest';
import { isPlainText, isSecretName, redactText } from './redact.js';

describe('isSecretName', () => {
  test.each([
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'password',
    'db_password',
    'token',
    'access_token',
    'refreshToken',
    'secret',
    'client.secret',
    'api_key',
    'X-Api-Key',
    'signature',
    'X-Amz-Signature',
    'privateKey',
    'credentials',
  ])('%s', (name) => expect(isSecretName(name)).toBe(true));

  test.each(['key', 'token_count', 'cookie_name', 'author', 'public_key', 'keyboard', 'path', 'secretary', 'compass'])(
    'not %s',
    (name) => expect(isSecretName(name)).toBe(false),
  );
});

describe('redactText', () => {
  test.each([
    ['Authorization: Bearer abc.def-123', 'Authorization: [redacted]'],
    ['sent bearer s3cr3t to the server', 'sent bearer [redacted] to the server'],
    ['Basic dXNlcjpwYXNz', 'Basic [redacted]'],
    ['got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln here', 'got [redacted] here'],
    ['postgres://reactor:pa/ss#w@rd@db:5432/app', 'postgres://reactor:[redacted]@db:5432/app'],
    ['redis://:pass@cache/0', 'redis://:[redacted]@cache/0'],
    ['https://user:pass@example.com/a?b=c@d', 'https://[redacted]@example.com/a?b=c@d'],
    ['https://ghp_abc123@github.com/x', 'https://[redacted]@github.com/x'],
    [
      '/o/a.png?token=t0p&expires=5&X-Amz-Signature=ab12',
      '/o/a.png?token=[redacted]&expires=5&X-Amz-Signature=[redacted]',
    ],
    ['/o?sig=ab%2F12#top', '/o?sig=[redacted]#top'],
    ['host=db user=me password=hunter2 dbname=x', 'host=db user=me password=[redacted] dbname=x'],
    [`password='two words' x=1`, 'password=[redacted] x=1'],
    ['body was {"user":"me","password":"hun\\"ter2"}', 'body was {"user":"me","password":"[redacted]"}'],
    ["{ password: 'hunter2', n: 1 }", "{ password: '[redacted]', n: 1 }"],
    ['Cookie: sid=1; theme=dark', 'Cookie: [redacted]'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nrest', '[redacted]\nrest'],
  ])('%j', (text, expected) => expect(redactText(text)).toBe(expected));

  test.each([
    'request completed',
    'The route needs a bearer token and none was sent.',
    'invalid bearer token, try again',
    'the basic settings',
    'https://example.com:8000/a/b?limit=5&order=name',
    'listening on http://127.0.0.1:8000',
    'postgres://db.internal:5432/app',
    'postgresql://reactor@/app?host=/run/postgres',
    '0198c0de-7000-7abc-8def-0123456789ab',
    'duplicate key value violates unique constraint "todos_pkey": Key (id)=(5) already exists.',
    'eyJust a word',
  ])('leaves %j alone', (text) => expect(redactText(text)).toBe(text));
});

describe('isPlainText', () => {
  test.each(['', '/jobs/v1/runs/7', '/a%20b/c.d-e~f?*()[]{}', '4bf92f3577b34da6a3ce929d0e0e4736', 'x'.repeat(1024)])(
    'takes %j, which nothing changes on its way into a line',
    (text) => {
      expect(isPlainText(text)).toBe(true);
      expect([redactText(text), JSON.stringify(text)]).toEqual([text, `"${text}"`]);
    },
  );

  test.each([
    'a b',
    'a:b',
    'token=x',
    'eyJhbGciOiJIUzI1NiJ9',
    '"',
    '\\',
    '\n',
    '\u007f',
    'ü',
    '\ud800',
    'x'.repeat(1025),
  ])('leaves %j to the closer look', (text) => expect(isPlainText(text)).toBe(false));
});
