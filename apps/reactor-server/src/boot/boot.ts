import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Capability, EXIT, exitCodeOf, systemClock } from '@reactor/core';
import { createLogging, type Logging } from '@reactor/observability';
import { lockStateDirectory, StateDirectoryLockedError } from '@reactor/postgres';
import { banner } from '../banner.js';
import type { ServerConfig } from '../config/server-config.js';
import type { Settings } from '../config/settings.js';
import { ExitError } from '../exit.js';
import { applyOwnMigrations } from '../migrations.js';
import { nothingMounted } from '../nothing-mounted.js';
import { awaitDatabase, openPlatform, openSecrets, type Platform, type Secrets } from '../platform.js';
import { ADMIN_TOKEN_FILE } from '../secrets.js';
import { Closing } from './closing.js';
import { openDoor } from './door.js';
import { Surface } from './surface.js';

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

/**
 * Config → log → state lock → listen → database → migrations → start → ready. It listens early, so that a client that probes
 * sees "starting" and not a refused connection.
 * @throws ExitError with the exit code of the step that failed; everything opened before it is closed again
 */
export async function bootServer(settings: Settings, { shutdown, signal }: BootOptions): Promise<ReactorServer> {
  const { config } = settings;
  const bootedAt = systemClock.monotonic();
  const closing = new Closing();
  const logging = openLogging(config);
  const logger = logging.logger('reactor_server');
  const context = { logger, clock: systemClock };
  closing.add(async () => {
    logger.info('stopped');
    await logging.close();
  });
  try {
    const lock = await lockState(config.stateDirectory);
    closing.add(() => lock.release());
    const secrets = await openSecrets(settings);
    const surface = new Surface({ settings, logging, context, gate: secrets.gate, shutdown });
    const door = await openDoor(surface, config, logging);
    closing.add(() => door.close());
    await lock.update({ url: door.url });
    logger.info('listening', { url: door.url });
    signal.throwIfAborted();
    const platform = await openPlatform(settings, secrets, logging, door.url);
    closing.add(platform.close);
    await awaitDatabase(platform, signal);
    surface.show(platform);
    await migrate(platform, logging);
    for (const capability of platform.capabilities) {
      signal.throwIfAborted();
      surface.metrics.contribute(capability.name, capability.metrics);
      closing.add((deadline) => capability.stop(deadline));
      await startCapability(capability);
    }
    surface.mount(platform.capabilities);
    announce({
      settings,
      secrets,
      platform,
      logging,
      surface,
      url: door.url,
      bootMs: systemClock.monotonic() - bootedAt,
    });

    return {
      async stop(deadline) {
        surface.phase = 'draining';
        door.drain();
        logger.info('stopping', { grace_ms: config.graceMs });
        await delay(config.graceMs, undefined, { signal: deadline }).catch(() => {});
        // Requests first, while everything they need still runs: the door was opened before all of it.
        await door.close();
        await closing.close(deadline);
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
    await closing.close(AbortSignal.timeout(10_000));
    throw error;
  }
}

function openLogging(config: ServerConfig): Logging {
  return createLogging({
    filter: config.logFilter,
    fmt: config.logFormat,
    color: config.logColor,
    ringBytes: config.logRingBytes,
    clock: systemClock,
  });
}

async function lockState(stateDirectory: string) {
  try {
    return await lockStateDirectory(stateDirectory);
  } catch (error) {
    const key = error instanceof StateDirectoryLockedError ? '' : 'server.state_dir: ';
    throw new ExitError(EXIT.configuration, key + (error as Error).message, { cause: error });
  }
}

async function migrate(platform: Platform, logging: Logging): Promise<void> {
  const applied = await applyOwnMigrations(platform, logging).catch((error: Error) => {
    throw new ExitError(EXIT.migrationFailed, error.message, { cause: error });
  });
  if (applied.length > 0) logging.logger('reactor_server').info('migrations applied', { count: applied.length });
}

async function startCapability(capability: Capability): Promise<void> {
  try {
    await capability.start();
  } catch (error) {
    const code = exitCodeOf(error, EXIT.capabilityFailed);
    throw new ExitError(code, `${capability.name} could not start: ${(error as Error).message}`, { cause: error });
  }
}

interface Started {
  readonly settings: Settings;
  readonly secrets: Secrets;
  readonly platform: Platform;
  readonly logging: Logging;
  readonly surface: Surface;
  readonly url: string;
  readonly bootMs: number;
}

/** In the log for machines, as a banner for people at a terminal. */
function announce({ settings, secrets, platform, logging, surface, url, bootMs }: Started): void {
  const logger = logging.logger('reactor_server');
  const capabilities = platform.capabilities.map(({ name }) => name);
  const { version } = surface;
  const nothing = nothingMounted(settings);
  if (nothing !== undefined) logger.warn(nothing.message, { remedy: nothing.remedy });
  logger.info('ready', { url, capabilities, boot_ms: Math.round(bootMs), version });
  const isTokenGenerated = secrets.generated.has('admin.token');
  process.stderr.write(
    banner({
      version,
      url,
      database: platform.database.describe(),
      ...(isTokenGenerated ? { adminTokenFile: path.join(settings.config.stateDirectory, ADMIN_TOKEN_FILE) } : {}),
      capabilities,
      bootMs,
    }),
  );
}
