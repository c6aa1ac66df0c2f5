import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { CliError } from './errors.js';
import type { Io } from './io.js';

/** What is read whole; more is no value of a variable. */
const MAX_INPUT_BYTES = 1024 * 1024;

/** Whether somebody sits there to be asked. */
export function isInteractive({ stdin }: Io): boolean {
  return stdin.isTTY === true;
}

/**
 * Asks for one line on the terminal.
 * @param hidden whether what is typed stays invisible
 * @throws CliError `INTERRUPTED` for Ctrl-C, Ctrl-D, or an input that ends
 */
export function ask(io: Io, question: string, { hidden = false } = {}): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: io.stdin, output: hidden ? silent : io.stderr, terminal: true });
    const close = () => lines.close();
    let answer: string | undefined;
    lines.once('SIGINT', close);
    io.signal.addEventListener('abort', close, { once: true });
    lines.once('close', () => {
      io.signal.removeEventListener('abort', close);
      if (hidden || answer === undefined) io.stderr.write('\n');
      if (answer === undefined) reject(stopped());
      else resolve(answer);
    });
    if (hidden) io.stderr.write(question);
    lines.question(question, (line) => {
      answer = line;
      lines.close();
    });
  });
}

/**
 * All of standard input as text, without the line break at its end.
 * @throws CliError `INVALID_ARGUMENT` when it is too long or not UTF-8, `INTERRUPTED` when the user stops it
 */
export async function readInput({ stdin, signal }: Io): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  const stop = () => void stdin.destroy(stopped());
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stdin) {
      chunks.push(Buffer.from(chunk));
      length += Buffer.byteLength(chunk);
      if (length > MAX_INPUT_BYTES) {
        throw new CliError('INVALID_ARGUMENT', `standard input has more than ${MAX_INPUT_BYTES} bytes`);
      }
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof TypeError) throw new CliError('INVALID_ARGUMENT', 'standard input is not UTF-8');
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function stopped(): CliError {
  return new CliError('INTERRUPTED', 'stopped before anything was sent');
}
