import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AuthKeysUnusableError } from '@reactor/auth';
import { type Capability, systemClock } from '@reactor/core';
import {
  createAnswerHeaders,
  createHealth,
  createLogging,
  createMetrics,
  type DoctorReport,
  instrumentHttp,
  type Logging,
  nodeMetrics,
  runDoctor,
  type ServerPhase,
  serverInfo,
} from '@reactor/observability';
import { lockStateDirectory, StateDirectoryLockedError } from '@reactor/postgres';
import type { MigrationActions } from './admin/migrate.js';
import { banner } from './banner.js';
import { compose } from './compose.js';
import type { Settings } from './config/settings.js';
import { doctorSubjects } from './doctor-subjects.js';
import { EXIT, ExitError } from './exit.js';
import { listen } from './http/listener.js';
import { createProgressWatch } from './http/progress.js';
import { applyMigrations, applyOwnMigrations, exitCodeOf, tryMigrations } from './migrations.js';
import { nothingMounted } from './nothing-mounted.js';
import { awaitDatabase, openPlatform, openSecrets, type Platform } from './platform.js';
import { ADMIN_TOKEN_FILE } from './secrets.js';
import { serverVersion } from './version.js';

export interface BootOptions {
  /** Called when `POST /_admin/shutdown` asks for the stop that a signal would bring. */
  readonly shutdown: () => void;
  /** Ends a boot that is under way; what it opened is closed again. */
  readonly signal: AbortSignal;
}

export interface ReactorServer {
  /** Drains and closes everything, in reverse order of the boot. @param deadline past it, what is left is cut */
  stop(deadline: AbortSignal): Promise<void>;
  /** Last words of a process that cannot go on: the error reaches the log before the exit. */
  crash(error: unknown): never;
}

/** Requests may take this long to end; what is left of the stop's budget belongs to the capabilities and PostgreSQL. */
const REQUEST_DRAIN_MS = 20_000;

/**
 * Config → log → state lock → listen → database → migrations → start → ready. It listens early, so that whoever probes
 * sees "starting" and not a refused connection.
 * @throws ExitError with the exit code of the step that failed; everything opened before it is closed again
 */
export async function bootServer(settings: Settings, { shutdown, signal }: BootOptions): Promise<ReactorServer> {
  const { config } = settings;
  const bootedAt = systemClock.monotonic();
  const logging = createLogging({
    filter: config.logFilter,
    fmt: config.logFormat,
    color: config.logColor,
    ringBytes: config.logRingBytes,
    clock: systemClock,
  });
  const logger = logging.logger('reactor_server');
  const context = { logger, clock: systemClock };
  const undo: ((deadline: AbortSignal) => Promise<void>)[] = [
    async () => {
      logger.info('stopped');
      await logging.close();
    },
  ];
  const close = async (deadline: AbortSignal) => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step(deadline);
  };

  try {
    const lock = await lockState(config.stateDirectory);
    undo.push(() => lock.release());
    const secrets = await openSecrets(settings);

    let phase: ServerPhase = 'starting';
    let capabilities: readonly Capability[] = [];
    let platform: Platform | undefined;
    const version = serverVersion();
    const metrics = createMetrics(context);
    const health = createHealth({ ...context, capabilities: () => capabilities, phase: () => phase });
    const instrumentation = instrumentHttp(context, settings.loaded.capabilities);
    const progress = createProgressWatch(config.requestTimeoutMs);
    const answerHeaders = createAnswerHeaders(config.publicUrl);
    metrics.contribute('server', serverInfo(version, systemClock));
    metrics.contribute('process', nodeMetrics());
    metrics.contribute('http', instrumentation.metrics);
    metrics.contribute('health', health.metrics);
    metrics.contribute('logs', logging.metrics);

    // Several who look at once see one run: each takes connections that the others would wait for.
    let diagnosis: Promise<DoctorReport> | undefined;
    const diagnose = () => {
      diagnosis ??= runDoctor(doctorSubjects(settings.loaded, platform), context).finally(() => {
        diagnosis = undefined;
      });
      return diagnosis;
    };
    const composed = (ready: boolean) =>
      compose({
        config,
        logging,
        metrics,
        health,
        instrumentation,
        progress,
        answerHeaders,
        gate: secrets.gate,
        version,
        capabilities,
        ready,
        diagnose,
        ...(platform === undefined ? {} : { migrations: migrationsOf(platform, logging) }),
        shutdown,
      });
    let composition = composed(false);
    const listener = await listen((request, bindings) => composition.fetch(request, bindings), {
      ...config.bind,
      progress,
      headersTimeoutMs: config.requestTimeoutMs,
      maxHeaderBytes: config.maxHeaderBytes,
      answerHeaders,
      onRefused: instrumentation.refused,
    });
    let closing: Promise<void> | undefined;
    const closeListener = () => {
      closing ??= (async () => {
        logging.endStreams();
        const cut = await listener.close(AbortSignal.timeout(REQUEST_DRAIN_MS));
        if (cut > 0) logger.warn('requests were cut to stop in time', { count: cut });
        progress.stop();
      })();
      return closing;
    };
    undo.push(closeListener);
    await lock.update({ url: listener.url });
    logger.info('listening', { url: listener.url });
    signal.throwIfAborted();

    platform = await openPlatform(settings, secrets, logging);
    undo.push(platform.close);
    await awaitDatabase(platform, signal);
    metrics.contribute('database', platform.database.metrics);
    if (platform.embedded !== undefined) metrics.contribute('embedded database', platform.embedded.metrics);
    const applied = await applyOwnMigrations(platform, logging).catch((error: Error) => {
      throw new ExitError(EXIT.migrationFailed, error.message, { cause: error });
    });
    if (applied.length > 0) logger.info('migrations applied', { count: applied.length });
    for (const capability of platform.capabilities) {
      signal.throwIfAborted();
      metrics.contribute(capability.name, capability.metrics);
      undo.push((deadline) => capability.stop(deadline));
      await startCapability(capability);
    }
    capabilities = platform.capabilities;
    composition = composed(true);
    phase = 'ready';

    const bootMs = systemClock.monotonic() - bootedAt;
    const names = capabilities.map(({ name }) => name);
    const nothing = nothingMounted(settings.loaded);
    if (nothing !== undefined) logger.warn(nothing.message, { remedy: nothing.remedy });
    logger.info('ready', { url: listener.url, capabilities: names, boot_ms: Math.round(bootMs), version });
    process.stderr.write(
      banner({
        version,
        url: listener.url,
        database: platform.database.describe(),
        ...(secrets.generated.has('admin.token')
          ? { adminTokenFile: path.join(config.stateDirectory, ADMIN_TOKEN_FILE) }
          : {}),
        capabilities: names,
        bootMs,
      }),
    );

    return {
      async stop(deadline) {
        phase = 'draining';
        listener.drain();
        logger.info('stopping', { grace_ms: config.graceMs });
        await delay(config.graceMs, undefined, { signal: deadline }).catch(() => {});
        // Requests first, while everything they need still runs: the listener was opened before all of it.
        await closeListener();
        await close(deadline);
      },
      crash(error) {
        logger.error('uncaught error', { error });
        logging.flush();
        process.exit(EXIT.uncaught);
      },
    };
  } catch (error) {
    if (!signal.aborted) {
      logger.error('start failed', error instanceof ExitError ? { reason: error.message } : { error });
    }
    await close(AbortSignal.timeout(10_000));
    throw error;
  }
}

function migrationsOf(platform: Platform, logging: Logging): MigrationActions {
  return { apply: () => applyMigrations(platform, logging), dryRun: () => tryMigrations(platform) };
}

async function lockState(stateDirectory: string) {
  try {
    return await lockStateDirectory(stateDirectory);
  } catch (error) {
    const key = error instanceof StateDirectoryLockedError ? '' : 'server.state_dir: ';
    throw new ExitError(EXIT.configuration, key + (error as Error).message, { cause: error });
  }
}

async function startCapability(capability: Capability): Promise<void> {
  try {
    await capability.start();
  } catch (error) {
    const code = error instanceof AuthKeysUnusableError ? EXIT.keysUnusable : exitCodeOf(error, EXIT.capabilityFailed);
    throw new ExitError(code, `${capability.name} could not start: ${(error as Error).message}`, { cause: error });
  }
}
