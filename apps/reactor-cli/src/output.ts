import { printable } from '@reactor/core/terminal';
import type { CliError, Problem } from './errors.js';
import { type Io, write } from './io.js';
import { type Paint, painter } from './text.js';

/** `human` for people; `json` in the envelope `{"ok",…}`; `raw` the data alone, from `--json`. */
export type Format = 'human' | 'json' | 'raw';

/** Where a command's result goes, in the form that was asked for. */
export class Output {
  readonly format: Format;
  /** Whether that form was asked for; else it follows from where stdout goes. */
  readonly chosen: boolean;
  readonly paint: Paint;
  /** Aborts when nobody wants the result any more. */
  readonly signal: AbortSignal;
  readonly #io: Io;

  constructor(io: Io, format: Format, chosen = true) {
    this.#io = io;
    this.format = format;
    this.chosen = chosen;
    this.signal = io.signal;
    this.paint = painter(io.stdout.isTTY === true && !io.env.NO_COLOR);
  }

  /**
   * The result: `data` for programs, `human()` for people.
   * @param ok false when the command worked and what it found is bad
   */
  async result(data: unknown, human: () => string, ok = true): Promise<void> {
    if (this.format === 'human') return this.text(human());
    const document = this.format === 'raw' ? data : { ok, data };
    return this.text(`${JSON.stringify(document, null, 2)}\n`);
  }

  /** A part of the result, as it is. */
  async text(text: string | Uint8Array): Promise<void> {
    await write(this.#io.stdout, text, this.#io.signal);
  }

  /** Something a person should know in addition to the result; not shown to programs. */
  note(message: string): void {
    if (this.format === 'human') this.#io.stderr.write(`${printable(message)}\n`);
  }

  /** How far it is, on one line that is written over; an empty text takes it away. Only where a person looks. */
  progress(message: string): void {
    if (this.format !== 'human' || this.#io.stderr.isTTY !== true) return;
    this.#io.stderr.write(`\r\u001b[K${printable(message)}`);
  }

  /** Something that makes the result less than it looks; said in every form. */
  warn(message: string): void {
    this.#io.stderr.write(`warning: ${printable(message)}\n`);
  }

  /** Why there is no result. */
  error({ code, message, hint, problems }: CliError): void {
    if (this.format === 'human') {
      for (const problem of problems) this.#io.stderr.write(`${printable(formatProblem(problem))}\n`);
      this.#io.stderr.write(`error: ${printable(message)}\n${hint === undefined ? '' : `  → ${printable(hint)}\n`}`);
      return;
    }
    const error = {
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(problems.length === 0 ? {} : { details: problems }),
    };
    this.#io.stderr.write(`${JSON.stringify({ ok: false, error }, null, 2)}\n`);
  }
}

/** `index.ts:3:14 message`, as editors and terminals make a link of it. */
function formatProblem({ file, line, column, message }: Problem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return place === '' ? message : `${place} ${message}`;
}
