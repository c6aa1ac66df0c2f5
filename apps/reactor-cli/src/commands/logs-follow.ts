import { setTimeout as delay } from 'node:timers/promises';
import { CliError, EXIT } from '../errors.js';
import type { Client } from '../http/client.js';
import { eventStream, readEvents, type ServerEvent } from '../http/sse.js';
import type { Output } from '../output.js';
import type { LogView } from './logs-format.js';

/** The server sends something every 15 s; after three times that in silence it is gone. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Where the stream stopped, so that the next connection goes on from there. */
class Position {
  #boot = '';
  #sequence = 0;
  #id = '';
  /** RFC 3339 of the last line; undefined before the first. */
  timestamp: string | undefined;

  get headers(): Readonly<Record<string, string>> {
    return this.#id === '' ? {} : { 'Last-Event-ID': this.#id };
  }

  /** @returns whether the line is new: a server that starts at an instant repeats the lines of that instant */
  advance({ lastEventId, data }: ServerEvent): boolean {
    const dash = lastEventId.lastIndexOf('-');
    const boot = lastEventId.slice(0, dash);
    const sequence = Number(lastEventId.slice(dash + 1));
    if (boot === this.#boot && sequence <= this.#sequence) return false;
    this.#boot = boot;
    this.#sequence = sequence;
    this.#id = lastEventId;
    this.timestamp = (JSON.parse(data) as { timestamp: string }).timestamp;
    return true;
  }
}

/**
 * Prints lines until the user stops it. A connection that was there and is lost is made again, for as long as it takes;
 * one that cannot be made at first is an error.
 */
export async function followLogs(client: Client, output: Output, query: URLSearchParams, view: LogView): Promise<void> {
  const { signal } = output;
  const position = new Position();
  query.set('follow', '1');
  let pause = FIRST_PAUSE_MS;
  for (let connected = false; !signal.aborted; ) {
    try {
      const response = await client.get(`/_admin/logs?${query}`, { retry: !connected, headers: position.headers });
      if (connected) output.note('connected again');
      connected = true;
      for await (const event of readEvents(untilSilence(eventStream(response), signal))) {
        pause = FIRST_PAUSE_MS;
        if (event !== undefined) await printEvent(event, position, output, view);
      }
      output.note('the server ended the stream');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof CliError && (!connected || !isPassing(error))) throw error;
      output.note(`connection lost: ${(error as Error).message}`);
    }
    if (position.timestamp !== undefined) {
      query.set('since', position.timestamp);
      query.delete('limit');
    }
    // Half of it by chance, so that many who lost the same server do not come back in one moment.
    await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function printEvent(event: ServerEvent, position: Position, output: Output, view: LogView): Promise<void> {
  if (event.type === 'log') {
    if (!position.advance(event) || !view.shows(event.data)) return;
    await output.text(output.format === 'human' ? view.format(event.data, output.paint) : `${event.data}\n`);
  } else {
    // `error` and `gap`: lines are missing here, and the reader must know.
    output.warn(`${event.type}: ${event.data}`);
  }
}

/** Whether waiting may help: the server is away, or starting. */
function isPassing({ exitCode }: CliError): boolean {
  return exitCode === EXIT.network || exitCode === EXIT.server;
}

/** @throws Error when nothing comes for too long */
async function* untilSilence(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = new AbortController();
      const silence = delay(SILENCE_MS, undefined, {
        signal: AbortSignal.any([timer.signal, signal]),
        ref: false,
      }).then(() => {
        throw new Error(`nothing came for ${SILENCE_MS / 1000} s`);
      });
      silence.catch(() => {});
      try {
        const { done, value } = await Promise.race([chunks.next(), silence]);
        if (done) return;
        yield value;
      } finally {
        timer.abort();
      }
    }
  } finally {
    // Not awaited: a connection that hangs would keep us.
    chunks.return?.()?.catch(() => {});
  }
}
