import { QueryError } from './query-error.js';

/** Longest piece of the caller's text that an error repeats. */
const MAX_QUOTED_LENGTH = 60;

function shortened(text: string): string {
  return text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text;
}

/** The caller's text as an error may repeat it: short, quoted, on one line. */
export function quoted(text: string): string {
  return JSON.stringify(shortened(text));
}

/** Reads a parameter's text once, from left to right. */
export class Scanner {
  readonly #text: string;
  readonly #parameter: string;
  #at = 0;

  /** @param parameter where the text comes from, for errors */
  constructor(text: string, parameter: string) {
    this.#text = text;
    this.#parameter = parameter;
  }

  /** For `fail`, when what is wrong has been read already. */
  get position(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  sees(token: string): boolean {
    return this.#text.startsWith(token, this.#at);
  }

  accept(token: string): boolean {
    const seen = this.sees(token);
    if (seen) this.#at += token.length;
    return seen;
  }

  /** @throws QueryError PGRST100 when something else comes next */
  expect(token: string): void {
    if (!this.accept(token)) this.fail(quoted(token));
  }

  /** @throws QueryError PGRST100 when anything is left */
  expectEnd(): void {
    if (!this.atEnd) this.fail('the end');
  }

  /** @param pattern sticky; an empty match counts as none */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined || found === '') return undefined;
    this.#at += found.length;
    return found;
  }

  /** Everything that is left. */
  rest(): string {
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }

  /** After an opening `"`: the text up to the closing one, where a backslash keeps the character after it. */
  quotedText(): string {
    let text = '';
    for (;;) {
      text += this.match(/[^"\\]+/y) ?? '';
      if (this.accept('"')) return text;
      if (!this.accept('\\')) this.fail('a closing "');
      text += this.match(/[\s\S]/uy) ?? this.fail('a character after the backslash');
    }
  }

  /** @throws QueryError PGRST100 always, naming the place and what would have been accepted there */
  fail(expected: string, at = this.#at): never {
    const rest = this.#text.slice(at, at + MAX_QUOTED_LENGTH + 1);
    throw new QueryError(
      'invalid_query',
      'PGRST100',
      `${quoted(this.#parameter)}, character ${at + 1}: expected ${expected}, found ${rest === '' ? 'the end' : quoted(rest)}`,
      { details: { parameter: shortened(this.#parameter), character: at + 1 } },
    );
  }
}
