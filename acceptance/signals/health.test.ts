import { expect, test } from 'vitest';
import { startServer } from '../support/server.js';

test('a healthy server says ok for each mounted capability, to anyone', async () => {
  const everything = await startServer();
  const answer = await fetch(`${everything.url}/health`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    status: 'ok',
    capabilities: { auth: 'ok', data: 'ok', storage: 'ok', functions: 'ok' },
  });
  const one = await startServer({ config: '[project]\nenv = "dev"\n[auth]\n' });
  expect(await (await fetch(`${one.url}/health`)).json()).toEqual({ status: 'ok', capabilities: { auth: 'ok' } });
});
