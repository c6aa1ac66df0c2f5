import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Capability, systemClock } from '@reactor/core';
import {
  createAnswerHeaders,
  createHealth,
  createLogging,
  createMetrics,
  instrumentHttp,
  type ServerPhase,
} from '@reactor/observability';
import { onTestFinished } from 'vitest';
import { createAdminGate } from '../../src/admin/gate.js';
import { compose } from '../../src/compose.js';
import { readSettings } from '../../src/config/settings.js';
import { assemble, openSecrets } from '../../src/platform.js';
import { unavailableDatabase } from '../../src/unavailable-database.js';

export interface ComposedForTest {
  /** Default: all of them, as a start without a file has them, on a database that nobody can reach. */
  readonly capabilities?: readonly Capability[];
  /** Default: a token that nobody knows. */
  readonly adminToken?: string;
}

/** The whole app, and what a listener for it takes. */
export async function composeForTest({ capabilities: own, adminToken }: ComposedForTest = {}) {
  const directory = await mkdtemp(path.join(tmpdir(), 'reactor-app-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const output = { terminal: false, color: false };
  const settings = await readSettings({ flags: {}, environment: {}, directory, output });
  const logging = createLogging({ filter: 'off', clock: systemClock });
  const context = { logger: logging.logger('reactor_server'), clock: systemClock };
  const secrets = await openSecrets(settings, false);
  const database = unavailableDatabase('there is none');
  const capabilities = own ?? assemble(settings, secrets, logging, { database }).capabilities;
  const phase = (): ServerPhase => 'ready';
  const metrics = createMetrics(context);
  const answerHeaders = createAnswerHeaders(undefined);
  const instrumentation = instrumentHttp({
    ...context,
    capabilities: capabilities.map(({ name }) => name),
    headers: answerHeaders,
  });
  metrics.contribute('http', instrumentation.metrics);
  const composition = compose({
    config: settings.config,
    logging,
    metrics,
    health: createHealth({ ...context, capabilities: () => capabilities, phase }),
    instrumentation,
    gate: adminToken === undefined ? secrets.gate : createAdminGate({ token: adminToken, allowRemote: false }),
    version: '0.0.0',
    capabilities,
    ready: true,
    diagnose: async () => ({}),
    shutdown: () => {},
  });
  return { ...composition, metrics, answerHeaders, onRefused: instrumentation.refused };
}
