import { type Token, tokensOf } from '../app-migrations/split.js';
import { CALLER_FUNCTIONS } from '../auth-functions.js';

const FUNCTIONS: ReadonlySet<string> = new Set(CALLER_FUNCTIONS);

/** A call in a policy that PostgreSQL makes for each row it looks at. */
export interface CallPerRow {
  /** `auth.user_id()` */
  readonly call: string;
  /** The same, made once: `(SELECT auth.user_id())`. */
  readonly once: string;
  /** Characters from the start of the text, from 0. */
  readonly at: number;
}

/**
 * Calls of the functions of `auth` in the condition of a policy that stand in no subquery.
 * @param expression as it was written, or as PostgreSQL prints it
 */
export function callsPerRow(expression: string): readonly CallPerRow[] {
  const tokens = significant(expression);
  const calls: CallPerRow[] = [];
  /** For each open parenthesis, whether it or one around it begins a subquery. */
  const open: boolean[] = [];
  for (const [i, { text, start }] of tokens.entries()) {
    if (text === '(') open.push(open.at(-1) === true || isWord(tokens[i + 1], 'select'));
    else if (text === ')') open.pop();
    else if (open.at(-1) !== true && isCall(tokens, i)) {
      const end = closing(tokens, i + 3);
      const name = (tokens[i + 2] as Token).text.toLowerCase();
      const call = expression.slice(start, (tokens[end]?.start ?? expression.length) + 1);
      const once = calledOnce(name, call, expression.slice((tokens[i + 3] as Token).start + 1, tokens[end]?.start));
      if (once !== undefined) calls.push({ call, once, at: start });
    }
  }
  return calls;
}

/** The condition with each of its calls made once. */
export function callingOnce(expression: string): string {
  let fixed = '';
  let end = 0;
  for (const { at, call, once } of callsPerRow(expression)) {
    fixed += expression.slice(end, at) + once;
    end = at + call.length;
  }
  return fixed + expression.slice(end);
}

/** Where the condition of USING lies in a CREATE POLICY or ALTER POLICY; undefined in another statement, or without one. */
export function usingCondition(statement: string): { readonly start: number; readonly end: number } | undefined {
  if (!/^(?:create|alter)\s+policy\b/i.test(statement)) return undefined;
  const tokens = significant(statement);
  // A quoted name is no word; a policy that is called `using` would need quotes.
  const using = tokens.findIndex((token, i) => isWord(token, 'using') && tokens[i + 1]?.text === '(');
  if (using < 0) return undefined;
  const end = tokens[closing(tokens, using + 1)]?.start ?? statement.length;
  return { start: (tokens[using + 1] as Token).start + 1, end };
}

/** Undefined where the argument is another one for each row. */
function calledOnce(name: string, call: string, argument: string): string | undefined {
  // As the function itself, never null: below NOT the two would decide differently.
  if (name === 'in_org') {
    const org = /^[\w.]+$/.test(argument.trim()) ? argument.trim() : `(${argument.trim()})`;
    return `coalesce(${org} = (SELECT auth.org_id()), false)`;
  }
  if (name === 'has_permission' && !/^\s*'(?:[^']|'')*'(?:::text)?\s*$/.test(argument)) return undefined;
  return `(SELECT ${call})`;
}

function significant(sql: string): readonly Token[] {
  return [...tokensOf(sql)].filter(
    ({ kind }) => kind !== 'space' && kind !== 'line comment' && kind !== 'block comment',
  );
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toLowerCase() === word;
}

/** Whether `auth.<function>(` begins at `i`. */
function isCall(tokens: readonly Token[], i: number): boolean {
  const name = tokens[i + 2];
  return (
    isWord(tokens[i], 'auth') &&
    tokens[i + 1]?.text === '.' &&
    name?.kind === 'word' &&
    FUNCTIONS.has(name.text.toLowerCase()) &&
    tokens[i + 3]?.text === '('
  );
}

/** Of the parenthesis that opens at `i`; past the last token where it is missing. */
function closing(tokens: readonly Token[], i: number): number {
  let depth = 0;
  for (let at = i; at < tokens.length; at++) {
    if (tokens[at]?.text === '(') depth += 1;
    else if (tokens[at]?.text === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return tokens.length;
}
