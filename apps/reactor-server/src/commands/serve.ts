import { constants } from 'node:os';
import { bootServer } from '../boot/boot.js';
import type { Settings } from '../config/settings.js';

/** Everything after the signal must be over by then; a supervisor's own patience is usually 30 s too. */
const STOP_BUDGET_MS = 30_000;

/** Runs the server until a signal, or `POST /_admin/shutdown`, ends it. */
export async function serve(settings: Settings): Promise<void> {
  // A terminal or pipe that went away must not take the server with it.
  process.stderr.on('error', () => {});
  let stopping = false;
  let finished: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const starting = new AbortController();
  const stop = () => {
    stopping = true;
    starting.abort();
    finished();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Asked twice: the user does not want to wait.
      if (stopping) process.exit(128 + constants.signals[signal]);
      stop();
    });
  }
  // The terminal was closed. The kernel and the shell both send this, which is not impatience.
  process.on('SIGHUP', stop);

  const server = await bootServer(settings, {
    shutdown: stop,
    signal: starting.signal,
  }).catch((error: unknown) => {
    // Asked to stop before it was ready, and everything opened is closed again: a clean stop.
    if (stopping) process.exit(0);
    throw error;
  });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => server.crash(error));
  }
  await done;
  await server.stop(AbortSignal.timeout(settings.config.graceMs + STOP_BUDGET_MS));
  process.exit(0);
}
