import { bootServer } from '../boot.js';
import type { Settings } from '../config/settings.js';
import { EXIT } from '../exit.js';

/** Everything after SIGTERM has to be over by then; a supervisor's own patience is usually 30 s too. */
const STOP_BUDGET_MS = 30_000;

/** Runs the server until a signal, or `POST /_admin/shutdown`, ends it. */
export async function serve(settings: Settings): Promise<void> {
  let stopping = false;
  let finished: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  const starting = new AbortController();
  const stop = (reason: string) => {
    if (stopping) {
      // Asked twice: whoever asks does not want to wait.
      process.exit(EXIT.uncaught);
    }
    stopping = true;
    starting.abort(reason);
    finished();
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));

  const server = await bootServer(settings, { shutdown: () => stop('POST /_admin/shutdown'), signal: starting.signal });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => server.crash(error));
  }
  await done;
  await server.stop(AbortSignal.timeout(settings.config.graceMs + STOP_BUDGET_MS));
  process.exit(0);
}
