import type { Readable, Writable } from 'node:stream';

/** Everything of the process that a command may touch. */
export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Aborts when the user wants to stop: Ctrl-C, or nobody reads any more. */
  readonly signal: AbortSignal;
}

/** Writes and waits until there is room again, so that a slow reader does not fill our memory. */
export async function write(stream: Writable, text: string | Uint8Array, signal?: AbortSignal): Promise<void> {
  if (stream.write(text) || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error']) stream.off(event, done);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.once(event, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
