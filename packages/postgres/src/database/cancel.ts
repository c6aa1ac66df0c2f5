import type { CancelSignal } from '@reactor/core';
import { Connection, type ConnectionConfig, type PoolClient } from 'pg';

/** How long a cancelled statement may take to end; PostgreSQL itself needs a millisecond. */
const CANCEL_TIMEOUT_MS = 1_000;

/** What the driver keeps of a connection that its types do not tell. */
interface Connected {
  readonly host: string;
  readonly port: number;
  readonly ssl: unknown;
  readonly sslNegotiation?: string;
  readonly processID: number | null;
  readonly secretKey: number | null;
}

interface Wire {
  readonly stream: { destroy(): void };
  connect(portOrPath: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
  on(event: 'connect' | 'sslconnect' | 'end' | 'error', listener: () => void): void;
}

/**
 * Asks the server to cancel what runs on `client` as soon as `signal` aborts. Where it does not within a second, the
 * connection is cut.
 * @param onCancel called before the cancel is sent: the connection must not be reused from then on
 * @returns ends it
 */
export function cancelWhen(signal: CancelSignal, client: PoolClient, onCancel: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const abort = () => {
    onCancel();
    sendCancel(client as unknown as Connected);
    timer = setTimeout(() => client.connection.stream.destroy(), CANCEL_TIMEOUT_MS);
  };
  signal.addEventListener('abort', abort, { once: true });
  return () => {
    signal.removeEventListener('abort', abort);
    clearTimeout(timer);
  };
}

/** A CancelRequest on a socket of its own, to where `client` is connected. The server only closes it in answer. */
function sendCancel(client: Connected): void {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client;
  if (processID === null || secretKey === null) return;
  const wire = new Connection({ ssl, sslNegotiation } as unknown as ConnectionConfig) as unknown as Wire;
  const end = () => {
    clearTimeout(timer);
    wire.stream.destroy();
  };
  const timer = setTimeout(end, CANCEL_TIMEOUT_MS);
  const send = () => wire.cancel(processID, secretKey);
  wire.on('error', end);
  wire.on('end', end);
  wire.on('connect', () => {
    if (!ssl) send();
    else if (sslNegotiation !== 'direct') wire.requestSsl();
  });
  wire.on('sslconnect', send);
  if (host.startsWith('/')) wire.connect(`${host}/.s.PGSQL.${port}`);
  else wire.connect(port, host);
}

/** What `acquire` gives, or the reason of `signal` when it aborts first; what comes later goes back to the pool. */
export function acquireUntil<T extends { release(): void }>(
  signal: CancelSignal,
  acquire: () => Promise<T>,
): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    acquire()
      .then((connection) => (signal.aborted ? connection.release() : resolve(connection)), reject)
      .finally(() => signal.removeEventListener('abort', abort));
  });
}
