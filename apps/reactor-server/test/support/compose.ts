import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '@reactor/core';
import {
  createAnswerHeaders,
  createHealth,
  createLogging,
  createMetrics,
  instrumentHttp,
  type ServerPhase,
} from '@reactor/observability';
import { onTestFinished } from 'vitest';
import { compose } from '../../src/compose.js';
import { readSettings } from '../../src/config/settings.js';
import { createProgressWatch } from '../../src/http/progress.js';
import { assemble, openSecrets } from '../../src/platform.js';
import { unavailableDatabase } from '../../src/unavailable-database.js';

/** The whole app with every capability, as a start without a file has it, on a database that nobody can reach. */
export async function composeForTest() {
  const directory = await mkdtemp(path.join(tmpdir(), 'reactor-app-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const output = { terminal: false, color: false };
  const settings = await readSettings({ flags: {}, environment: {}, directory, output });
  const logging = createLogging({ filter: 'off', clock: systemClock });
  const context = { logger: logging.logger('reactor_server'), clock: systemClock };
  const { gate } = await openSecrets(settings, false);
  const database = unavailableDatabase('there is none');
  const { capabilities } = assemble(settings, await openSecrets(settings, false), logging, { database });
  const progress = createProgressWatch(settings.config.requestTimeoutMs);
  onTestFinished(() => progress.stop());
  const phase = (): ServerPhase => 'ready';
  return compose({
    config: settings.config,
    logging,
    metrics: createMetrics(context),
    health: createHealth({ ...context, capabilities: () => capabilities, phase }),
    instrumentation: instrumentHttp(context, settings.loaded.capabilities),
    progress,
    answerHeaders: createAnswerHeaders(undefined),
    gate,
    version: '0.0.0',
    capabilities,
    ready: true,
    diagnose: async () => ({}),
    shutdown: () => {},
  });
}
