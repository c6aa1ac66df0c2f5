/** A word, name, value or mark of a `policy` statement. */
export interface Token {
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'mark' | 'end';
  /** Words in lower case; names without quotes; the rest as it stands. */
  readonly text: string;
  /** Characters from the start of the statement, from 0. */
  readonly at: number;
}

/** A `policy` statement that is not as it must be; the caller knows file and line. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  /** Characters from the start of the statement, from 0. */
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

const TOKEN =
  /(\s+|--[^\n]*)|([A-Za-z_][A-Za-z0-9_$]*)|"((?:[^"]|"")+)"|('(?:[^']|'')*')|(\d+(?:\.\d+)?)|(<>|!=|<=|>=|[=<>(),.-])/y;

/** @throws PolicyError for a character that begins nothing */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) {
      throw new PolicyError(at, `"${text.slice(at, at + 1)}" is not part of the policy dialect; use CREATE POLICY`);
    }
    const [, space, word, name, string, number, mark] = match;
    if (space !== undefined) continue;
    if (word !== undefined) tokens.push({ kind: 'word', text: word.toLowerCase(), at });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name.replaceAll('""', '"'), at });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string, at });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at });
    else if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, at });
  }
  return [...tokens, { kind: 'end', text: 'the end', at: text.length }];
}

/** Reads tokens one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token {
    return this.#tokens[this.#next] as Token;
  }

  /** Whether a mark or word stands `ahead` tokens further on. */
  isAt(text: string, ahead = 0): boolean {
    const token = this.#tokens[this.#next + ahead];
    return token !== undefined && (token.kind === 'mark' || token.kind === 'word') && token.text === text;
  }

  take(): Token {
    const token = this.next;
    if (token.kind !== 'end') this.#next += 1;
    return token;
  }

  /** Takes the mark or word when it stands here. */
  takeIf(text: string): boolean {
    if (!this.isAt(text)) return false;
    this.#next += 1;
    return true;
  }

  /** @throws PolicyError */
  expect(text: string): void {
    if (!this.takeIf(text)) throw this.unexpected(`"${text}"`);
  }

  /** @throws PolicyError */
  identifier(what: string): string {
    const { kind } = this.next;
    if (kind !== 'word' && kind !== 'name') throw this.unexpected(what);
    return this.take().text;
  }

  unexpected(wanted: string): PolicyError {
    const { kind, text, at } = this.next;
    return new PolicyError(at, `${wanted} was expected, not ${kind === 'end' ? text : JSON.stringify(text)}`);
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
