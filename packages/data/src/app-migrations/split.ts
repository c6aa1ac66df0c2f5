/** One statement of an SQL file, without its semicolon. */
export interface SqlStatement {
  readonly text: string;
  /** Line of the file in which `text` begins, from 1. */
  readonly line: number;
}

/**
 * What an SQL file is made of, as far as it matters for where a statement ends: strings, quoted names, dollar quotes and
 * comments hide semicolons. What has no end runs to the end of the file, and PostgreSQL names the fault.
 */
const TOKEN =
  /(--[^\n]*)|(\/\*)|([eE]'(?:\\[\s\S]|''|[^'\\])*'?|'[^']*'?)|("[^"]*"?)|(\$(?:[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$)|([A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*)|([();])|(\s+)|([\s\S])/g;

export interface Token {
  readonly kind: 'line comment' | 'block comment' | 'space' | 'word' | 'mark' | 'other';
  readonly text: string;
  readonly start: number;
}

/** The tokens of an SQL text. Linear, except that comments may nest. */
export function* tokensOf(sql: string): Generator<Token, void, undefined> {
  const token = new RegExp(TOKEN);
  for (let match = token.exec(sql); match !== null; match = token.exec(sql)) {
    const [text, lineComment, blockComment, , , dollar, word, mark, space] = match;
    const start = match.index;
    if (blockComment !== undefined) token.lastIndex = endOfComment(sql, start);
    if (dollar !== undefined) {
      const end = sql.indexOf(text, token.lastIndex);
      token.lastIndex = end < 0 ? sql.length : end + text.length;
    }
    if (lineComment !== undefined) yield { kind: 'line comment', text, start };
    else if (blockComment !== undefined) yield { kind: 'block comment', text, start };
    else if (space !== undefined) yield { kind: 'space', text, start };
    else if (word !== undefined) yield { kind: 'word', text, start };
    else yield { kind: mark === undefined ? 'other' : 'mark', text, start };
  }
}

/** Splits a file into statements as psql does. */
export function splitStatements(sql: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  let start: number | undefined;
  let line = 1;
  let counted = 0;
  let body = new BodyDepth();
  const finish = (end: number) => {
    if (start !== undefined) {
      line += countLines(sql, counted, start);
      counted = start;
      statements.push({ text: sql.slice(start, end).trimEnd(), line });
    }
    start = undefined;
    body = new BodyDepth();
  };
  for (const token of tokensOf(sql)) {
    if (token.kind === 'line comment' || token.kind === 'block comment' || token.kind === 'space') continue;
    if (token.text === ';' && token.kind === 'mark' && !body.isInside) {
      finish(token.start);
      continue;
    }
    start ??= token.start;
    if (token.kind === 'word') body.word(token.text.toLowerCase());
    else if (token.kind === 'mark') body.mark(token.text);
  }
  finish(sql.length);
  return statements;
}

/** A comment to the end of its line, outside of strings and statements' bodies. */
export interface LineComment {
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Whether it stands before the first statement. */
  readonly atHead: boolean;
}

/** The comments of a file that begin with `--`. */
export function lineComments(sql: string): readonly LineComment[] {
  const comments: LineComment[] = [];
  let line = 1;
  let counted = 0;
  let atHead = true;
  for (const { kind, text, start } of tokensOf(sql)) {
    if (kind === 'line comment') {
      line += countLines(sql, counted, start);
      counted = start;
      comments.push({ text, line, atHead });
    } else if (kind !== 'space' && kind !== 'block comment') atHead = false;
  }
  return comments;
}

/** Where semicolons belong to the statement: in parentheses, and in the body of `CREATE FUNCTION … BEGIN ATOMIC`. */
class BodyDepth {
  readonly #firstWords: string[] = [];
  #parentheses = 0;
  #blocks = 0;

  get isInside(): boolean {
    return this.#parentheses > 0 || this.#blocks > 0;
  }

  mark(mark: string): void {
    if (mark === '(') this.#parentheses += 1;
    else if (mark === ')' && this.#parentheses > 0) this.#parentheses -= 1;
  }

  word(word: string): void {
    if (this.#firstWords.length < 4) this.#firstWords.push(word);
    if (!/^create (?:or replace )?(?:function|procedure)\b/.test(this.#firstWords.join(' '))) return;
    if (word === 'begin' || (this.#blocks > 0 && word === 'case')) this.#blocks += 1;
    else if (word === 'end' && this.#blocks > 0) this.#blocks -= 1;
  }
}

/** @param start of `/*`. Comments nest in PostgreSQL. */
function endOfComment(sql: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let match = mark.exec(sql); match !== null; match = mark.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}

/** Line feeds in `text` from `start` up to `end`. */
export function countLines(text: string, start: number, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n', start); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
