import { setTimeout as delay } from 'node:timers/promises';
import { jitteredDelayMs, type Logger, Periodic, reasonOf, settledBefore } from '@reactor/core';
import { type ClientConfig, escapeIdentifier } from 'pg';
import { ReactorClient } from '../database/client.js';
import { EVENTS_CHANNEL } from './notification.js';

/** Where notifications come from. */
export interface ListeningOptions {
  readonly config: ClientConfig;
  /** Whether `config` is known to lead through a pooler, which passes on no notifications. */
  readonly isPooled: () => boolean;
  /** Milliseconds between two gaps while nothing can be listened to, on average. */
  readonly pollMs: number;
  readonly logger: Logger;
}

export interface ListenerOptions extends ListeningOptions {
  readonly onNotification: (text: string) => void;
  /** What was sent before may have been missed. */
  readonly onGap: (reason: 'listening' | 'polled') => void;
}

/** LISTENs on a connection of its own, which is made again whenever it is lost. While it cannot, and behind a pooler, it polls. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  /** Instead of listening: says that something may have happened, over and over. */
  readonly #polling: Periodic;
  #hears: 'listening' | 'polled' | undefined;

  /** @param after begins when it has settled: one connection at a time */
  constructor(options: ListenerOptions, after: Promise<void>) {
    this.#options = options;
    this.#polling = new Periodic({
      intervalMs: options.pollMs,
      run: async () => this.#hear('polled'),
      onEnd: () => {},
    });
    this.#ended = after.then(() => this.#run()).finally(() => this.#polling.stop(this.#stopping.signal));
  }

  /** How it hears now; undefined while it does not. */
  get hears(): 'listening' | 'polled' | undefined {
    return this.#hears;
  }

  /** Resolves once the connection is closed. Safe twice. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#ended;
  }

  async #run(): Promise<void> {
    const { isPooled, logger } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures++) {
      // Before it connects: a server that does not answer lets nobody know.
      this.#polling.start();
      try {
        if (isPooled() || (await this.#listen(() => (failures = 0))) === 'pooled') return await this.#onlyPoll();
      } catch (error) {
        if (failures === 0) logger.warn('listening for events was interrupted', { reason: reasonOf(error) });
      }
      if (this.#hears === 'listening') this.#hears = undefined;
      if (signal.aborted) return;
      await delay(jitteredDelayMs(failures, { firstMs: 50, maxMs: 5_000 }), undefined, { signal }).catch(() => {});
    }
  }

  async #onlyPoll(): Promise<void> {
    const { pollMs, logger } = this.#options;
    logger.info('a pooler passes no notifications on; polling', { interval_ms: pollMs });
    // Now already: whoever has just subscribed has missed everything so far.
    this.#hear('polled');
    await settledBefore(new Promise(() => {}), this.#stopping.signal);
  }

  /** Returns when it is stopped, or finds a pooler. @throws what ended the connection */
  async #listen(onListening: () => void): Promise<'stopped' | 'pooled'> {
    const { signal } = this.#stopping;
    const client = new ReactorClient(this.#options.config);
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
      if (await Promise.race([answersByProxy(client), lost])) return 'pooled';
      client.on('notification', ({ payload = '' }) => {
        if (!signal.aborted) this.#options.onNotification(payload);
      });
      await Promise.race([client.query(`LISTEN ${escapeIdentifier(EVENTS_CHANNEL)}`), lost]);
      onListening();
      await this.#polling.stop(signal);
      this.#hear('listening');
      return await lost;
    } catch (error) {
      if (!signal.aborted) throw error;
      return 'stopped';
    } finally {
      signal.removeEventListener('abort', destroy);
      destroy();
    }
  }

  #hear(how: 'listening' | 'polled'): void {
    if (this.#stopping.signal.aborted) return;
    this.#hears = how;
    this.#options.onGap(how);
  }
}

/** Whether another process answers than the one that the server named at login: a pooler is in between. */
async function answersByProxy(client: ReactorClient): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const { processID } = client as unknown as { readonly processID: number | null };
  return processID !== rows[0]?.pid;
}
