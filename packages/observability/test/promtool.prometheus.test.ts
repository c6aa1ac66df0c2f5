import { gauge, metricsContributor, openLabel, type ReactorEnv, silentLogger, systemClock } from '@reactor/core';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { createMetrics, instrumentHttp, nodeMetrics, serverInfo } from '../src/index.js';
import { CAPABILITIES } from './capabilities.js';
import { promtoolCheck } from './promtool.js';

const context = { clock: systemClock, logger: silentLogger };

test('promtool has nothing to say about our families, nor about values and labels at their edges', async () => {
  const metrics = createMetrics(context);
  const http = instrumentHttp({ ...context, capabilities: CAPABILITIES });
  const level = gauge({
    name: 'reactor_t_level',
    help: 'A \\ and a\nline',
    moves: 'never',
    unit: 'none',
    labels: { at: openLabel(9) },
  });
  for (const [at, value] of Object.entries({ 'a"b\\c\nd é {},=': 1, nan: Number.NaN, up: Infinity, down: -Infinity })) {
    level.child({ at }).set(value);
  }
  metrics.contribute('http', http.metrics);
  metrics.contribute('node', nodeMetrics());
  metrics.contribute('server', serverInfo('1.2.3', systemClock));
  metrics.contribute('t', metricsContributor([level]));
  const answer = http.observe(
    new Hono<ReactorEnv>().get('/', (c) => c.text('ok')),
    { mounts: [] },
  );
  for (const path of ['/', '/nowhere']) await answer(new Request(`http://localhost${path}`));
  expect(promtoolCheck(await (await metrics.routes.request('/metrics')).text())).toBe('');
});
