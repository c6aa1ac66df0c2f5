import type { Logging } from '@reactor/observability';
import type { ServerConfig } from '../config/server-config.js';
import { type Listener, listen } from '../http/listener.js';
import type { Surface } from './surface.js';

/** Requests may take this long to end; what is left of the stop's budget belongs to the capabilities and PostgreSQL. */
const REQUEST_DRAIN_MS = 20_000;

/** Where requests come in. */
export interface Door {
  readonly url: string;
  /** From now on every answer says `Connection: close`. */
  drain: Listener['drain'];
  /** Takes nothing new and answers what was read. Safe twice. */
  close(): Promise<void>;
}

/** @throws ExitError (3) when the address is not available */
export async function openDoor(surface: Surface, config: ServerConfig, logging: Logging): Promise<Door> {
  const { answerHeaders, instrumentation } = surface;
  const listener = await listen(surface.fetch, {
    ...config.bind,
    timeoutMs: config.requestTimeoutMs,
    maxHeaderBytes: config.maxHeaderBytes,
    maxBodyBytes: config.maxBodyBytes,
    answerHeaders,
    onRefused: instrumentation.refused,
  });
  const close = async () => {
    logging.endStreams();
    const cut = await listener.close(AbortSignal.timeout(REQUEST_DRAIN_MS));
    if (cut > 0) logging.logger('reactor_server').warn('requests were cut to stop in time', { count: cut });
  };
  let closed: Promise<void> | undefined;
  return {
    url: listener.url,
    drain: listener.drain,
    close() {
      closed ??= close();
      return closed;
    },
  };
}
