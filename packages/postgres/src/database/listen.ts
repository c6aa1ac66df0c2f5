import { setTimeout as delay } from 'node:timers/promises';
import { type Database, jitteredDelayMs, type Logger, reasonOf, type Subscription } from '@reactor/core';
import { type ClientConfig, escapeIdentifier } from 'pg';

import { ReactorClient } from './client.js';

export interface ListenOptions {
  readonly config: ClientConfig;
  /** Whether `config` leads through a pooler, which gives notifications to nobody. Asked before each connection. */
  readonly isPooled: () => boolean;
  readonly logger: Logger;
}

/** Behind a pooler nobody tells of news, so they are assumed this often. A reader of a large schema must not feel it. */
const POLL_MS = 5_000;

/** `Database.listen` for the server that `config` leads to. */
export function createListen({ config, isPooled, logger }: ListenOptions): Database['listen'] {
  return (channel, onNotification) => {
    const stopping = new AbortController();
    const ended = keepListening({ config, isPooled, logger, channel, onNotification, signal: stopping.signal });
    return {
      stop() {
        stopping.abort();
        return ended;
      },
    } satisfies Subscription;
  };
}

interface Listening extends ListenOptions {
  readonly channel: string;
  readonly onNotification: (payload: string | undefined) => void;
  readonly signal: AbortSignal;
}

async function keepListening(listening: Listening): Promise<void> {
  const { logger, channel, signal } = listening;
  for (let failures = 0; !signal.aborted; failures++) {
    if (listening.isPooled()) return poll(listening);
    try {
      await listenOnce(listening, () => {
        failures = 0;
      });
    } catch (error) {
      if (failures === 0) logger.warn('listening was interrupted', { channel, reason: reasonOf(error) });
    }
    if (signal.aborted) return;
    await delay(jitteredDelayMs(failures, { firstMs: 50, maxMs: 5_000 }), undefined, { signal }).catch(() => {});
  }
}

/** Instead of listening: says that something may have happened, over and over. */
async function poll({ logger, channel, onNotification, signal }: Listening): Promise<void> {
  logger.info('a pooler passes no notifications on; polling', { channel, interval_ms: POLL_MS });
  while (!signal.aborted) {
    onNotification(undefined);
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/** Returns when `signal` aborts. @throws what ended the connection */
async function listenOnce(
  { config, channel, onNotification, signal }: Listening,
  onListening: () => void,
): Promise<void> {
  const client = new ReactorClient(config);
  const lost = new Promise<never>((_, reject) => {
    client.once('error', reject);
    client.once('end', () => reject(new Error('the connection ended')));
  });
  // Reported where it is awaited, and no unhandled rejection before that.
  lost.catch(() => {});
  // A socket can fail more than once.
  client.on('error', () => {});
  const destroy = () => client.connection.stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  try {
    await Promise.race([client.connect(), lost]);
    client.on('notification', ({ payload = '' }) => {
      if (!signal.aborted) onNotification(payload);
    });
    await Promise.race([client.query(`LISTEN ${escapeIdentifier(channel)}`), lost]);
    onListening();
    if (!signal.aborted) onNotification(undefined);
    await lost;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', destroy);
    destroy();
  }
}
