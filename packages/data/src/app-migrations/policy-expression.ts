import { PolicyError, quoteIdentifier, type Token, type TokenReader } from './policy-tokens.js';

/** What `auth.<name>(…)` takes. */
const AUTH_FUNCTIONS: Readonly<Record<string, 'nothing' | 'string' | 'expression'>> = {
  user_id: 'nothing',
  org_id: 'nothing',
  role: 'nothing',
  email: 'nothing',
  session_id: 'nothing',
  is_authenticated: 'nothing',
  has_permission: 'string',
  in_org: 'expression',
};

const COMPARISONS = ['=', '<>', '!=', '<=', '>=', '<', '>', 'like', 'ilike'];
const CONSTANTS = ['true', 'false', 'null'];
/** Of the policies of other capabilities. */
const RESERVED = ['object', 'bucket', 'row', 'table', 'connect'];
/** Nobody could read a deeper policy. */
const MAX_DEPTH = 50;

/**
 * Reads an expression of the policy dialect and writes it as SQL, with every name quoted. What depends on the caller
 * alone is put into a subquery, which PostgreSQL evaluates once and not for each row.
 * @throws PolicyError
 */
export function compileExpression(reader: TokenReader): string {
  return new ExpressionCompiler(reader).or();
}

class ExpressionCompiler {
  readonly #reader: TokenReader;
  #depth = 0;

  constructor(reader: TokenReader) {
    this.#reader = reader;
  }

  or(): string {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH)
      throw new PolicyError(this.#reader.next.at, `more than ${MAX_DEPTH} levels are nested`);
    let sql = this.#and();
    while (this.#reader.takeIf('or')) sql = `${sql} OR ${this.#and()}`;
    this.#depth -= 1;
    return `(${sql})`;
  }

  #and(): string {
    let sql = this.#not();
    while (this.#reader.takeIf('and')) sql = `${sql} AND ${this.#not()}`;
    return sql;
  }

  #not(): string {
    let count = 0;
    while (this.#reader.takeIf('not')) count += 1;
    const sql = this.#comparison();
    return count % 2 === 0 ? sql : `NOT (${sql})`;
  }

  #comparison(): string {
    const reader = this.#reader;
    const left = this.#primary();
    const operator = COMPARISONS.find((candidate) => reader.takeIf(candidate));
    if (operator !== undefined) return `${left} ${operator.toUpperCase()} ${this.#primary()}`;
    if (reader.takeIf('is')) {
      const not = reader.takeIf('not') ? 'NOT ' : '';
      reader.expect('null');
      return `${left} IS ${not}NULL`;
    }
    const negated = reader.isAt('not') && reader.isAt('in', 1);
    if (negated) reader.take();
    if (!reader.takeIf('in')) return left;
    reader.expect('(');
    const values = [this.#primary()];
    while (reader.takeIf(',')) values.push(this.#primary());
    reader.expect(')');
    return `${left} ${negated ? 'NOT ' : ''}IN (${values.join(', ')})`;
  }

  #primary(): string {
    const reader = this.#reader;
    if (reader.takeIf('(')) {
      const sql = this.or();
      reader.expect(')');
      return sql;
    }
    if (reader.takeIf('-')) return `-${this.#number()}`;
    const { kind, text } = reader.next;
    if (kind === 'number') return this.#number();
    if (kind === 'string') return reader.take().text;
    if (kind === 'word' && CONSTANTS.includes(text)) return reader.take().text.toUpperCase();
    return this.#nameOrCall();
  }

  #number(): string {
    if (this.#reader.next.kind !== 'number') throw this.#reader.unexpected('a number');
    return this.#reader.take().text;
  }

  #nameOrCall(): string {
    const reader = this.#reader;
    const first = reader.next;
    const name = reader.identifier('an expression');
    if (reader.isAt('(')) throw new PolicyError(first.at, `only functions of auth may be called, not ${name}()`);
    if (!reader.takeIf('.')) return quoteIdentifier(name);
    const second = reader.next;
    const member = reader.identifier('a column');
    if (first.kind === 'word' && name === 'auth') return this.#authCall(second);
    if (first.kind === 'word' && RESERVED.includes(name)) {
      throw new PolicyError(first.at, `${name}.${member} has no meaning in policies on tables`);
    }
    return `${quoteIdentifier(name)}.${quoteIdentifier(member)}`;
  }

  #authCall({ text: name, at }: Token): string {
    const reader = this.#reader;
    const takes = Object.hasOwn(AUTH_FUNCTIONS, name) ? AUTH_FUNCTIONS[name] : undefined;
    if (takes === undefined) {
      const known = Object.keys(AUTH_FUNCTIONS).map((one) => `auth.${one}`);
      throw new PolicyError(at, `there is no auth.${name}; there are ${known.join(', ')}`);
    }
    reader.expect('(');
    let sql = `(SELECT auth.${name}())`;
    if (takes === 'string') {
      if (reader.next.kind !== 'string') throw reader.unexpected(`the permission of auth.${name} as a string`);
      sql = `(SELECT auth.${name}(${reader.take().text}))`;
    } else if (takes === 'expression') {
      sql = `(${this.#primary()} = (SELECT auth.org_id()))`;
    }
    reader.expect(')');
    return sql;
  }
}
