import { expect, test } from 'vitest';
import { readEvents } from './sse.js';

async function read(...chunks: (string | Uint8Array)[]) {
  async function* bytes() {
    for (const chunk of chunks) yield typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
  }
  const events = [];
  for await (const event of readEvents(bytes())) events.push(event);
  return events;
}

test('reads events, with what the specification allows', async () => {
  expect(await read('event: log\nid: b-1\ndata: one\n\n', 'data:two\ndata: lines\n\n')).toEqual([
    { type: 'log', data: 'one', lastEventId: 'b-1' },
    { type: 'message', data: 'two\nlines', lastEventId: 'b-1' },
  ]);
  expect(await read('event: x\r\ndata: a\r\n\r\n', 'data: b\r\rdata: c\n\n')).toEqual([
    { type: 'x', data: 'a', lastEventId: '' },
    { type: 'message', data: 'b', lastEventId: '' },
    { type: 'message', data: 'c', lastEventId: '' },
  ]);
  // No data, no event; unknown fields and ids with NUL are ignored.
  expect(await read('event: x\n\nretry: 5\nid: a\0b\ndata\n\n')).toEqual([
    { type: 'message', data: '', lastEventId: '' },
  ]);
});

test('shows comments, and drops what the end cuts off', async () => {
  expect(await read(': heartbeat\n\n', 'data: cut')).toEqual([undefined]);
});

test('does not mind where chunks are cut', async () => {
  const text = 'event: log\r\nid: b-1\r\ndata: {"ü":"😀"}\r\n\r\n: beat\r\n\r\ndata: end\r\n\r\n';
  const whole = await read(text);
  const bytes = new TextEncoder().encode(text);
  expect(whole).toHaveLength(3);
  expect(await read(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
});

test('gives up on an endless event', async () => {
  await expect(read('data: ', ...Array.from({ length: 9 }, () => 'x'.repeat(1024 * 1024)))).rejects.toThrow('too long');
});
