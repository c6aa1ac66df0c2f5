import type { Socket } from 'node:net';
import { slowDown } from '@reactor/processes';
import type { FromShim, ToShim } from './messages.js';

/** Bytes of messages in a second: some thousand lines of output, as much as the log takes easily. */
const BYTES_PER_SECOND = 1_048_576;
/** Characters of a message without an end; the shim cuts its texts far below that. */
const MAX_MESSAGE = 1_048_576;

/** Messages to and from a shim. */
export class Channel {
  readonly #socket: Socket;

  /**
   * @param onMessage called in order
   * @param onBroken for what is no message; nothing more is read then
   */
  constructor(socket: Socket, onMessage: (message: FromShim) => void, onBroken: (error: Error) => void) {
    this.#socket = socket;
    let rest = '';
    const fail = (error: Error) => {
      socket.destroy();
      onBroken(error);
    };
    slowDown(socket, BYTES_PER_SECOND);
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      try {
        if (rest.length > MAX_MESSAGE) throw new Error('a message without an end');
        for (const line of lines) onMessage(parse(line));
      } catch (error) {
        fail(error as Error);
      }
    });
  }

  send(message: ToShim): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }
}

function parse(line: string): FromShim {
  const message: unknown = JSON.parse(line);
  if (typeof message !== 'object' || message === null) throw new Error('a message that is no object');
  return message as FromShim;
}
