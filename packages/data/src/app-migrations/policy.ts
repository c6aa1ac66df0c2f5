import { USER_ROLE } from '@reactor/core';
import { compileExpression } from './policy-expression.js';
import { PolicyError, quoteIdentifier, TokenReader, tokenize } from './policy-tokens.js';

const SCOPES = ['select', 'insert', 'update', 'delete'] as const;
type Scope = (typeof SCOPES)[number];

/** PostgreSQL would cut a longer name, and two policies could then have one. */
const MAX_NAME_BYTES = 63;

interface Policy {
  readonly name: string;
  /** Quoted, with its schema when the statement names one. */
  readonly table: string;
  readonly scopes: readonly Scope[];
  /** SQL. */
  readonly using?: string;
  /** SQL. */
  readonly check?: string;
}

/** Whether a statement is of the policy dialect. */
export function isPolicyStatement(statement: string): boolean {
  return /^policy\s/i.test(statement);
}

/**
 * Turns `policy NAME on TABLE for SCOPE, … [using (…)] [check (…)]` into native policies for signed-in users: one for
 * each scope. Several `using` allow by any of them, several `check` must all hold; as PostgreSQL combines checks by OR,
 * a check becomes a restrictive policy.
 * @throws PolicyError
 */
export function compilePolicy(statement: string): readonly string[] {
  const policy = parsePolicy(statement);
  return policy.scopes.flatMap((scope) => nativePolicies(policy, scope));
}

function nativePolicies({ name, table, scopes, using, check }: Policy, scope: Scope): readonly string[] {
  const create = (suffix: string, kind: 'PERMISSIVE' | 'RESTRICTIVE', clauses: string) =>
    `CREATE POLICY ${policyName(`${name}${suffix}`)} ON ${table} AS ${kind} FOR ${scope.toUpperCase()} TO ${USER_ROLE} ${clauses}`;
  const suffix = scopes.length === 1 ? '' : `_${scope}`;
  switch (scope) {
    case 'select':
    case 'delete':
      return [create(suffix, 'PERMISSIVE', `USING ${using}`)];
    case 'insert':
      return [
        create(suffix, 'PERMISSIVE', 'WITH CHECK (true)'),
        create(`${suffix}_check`, 'RESTRICTIVE', `WITH CHECK ${check}`),
      ];
    case 'update':
      // Without a check, what may be changed must also be what it may become.
      if (check === undefined) return [create(suffix, 'PERMISSIVE', `USING ${using}`)];
      return [
        create(suffix, 'PERMISSIVE', `USING ${using} WITH CHECK (true)`),
        create(`${suffix}_check`, 'RESTRICTIVE', `USING (true) WITH CHECK ${check}`),
      ];
  }
}

function policyName(name: string): string {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new PolicyError(0, `the name ${name} is longer than the ${MAX_NAME_BYTES} bytes that PostgreSQL keeps`);
  }
  return quoteIdentifier(name);
}

function parsePolicy(statement: string): Policy {
  const reader = new TokenReader(tokenize(statement));
  reader.expect('policy');
  const name = reader.identifier('the name of the policy');
  reader.expect('on');
  const first = reader.identifier('a table');
  const table = reader.takeIf('.')
    ? `${quoteIdentifier(first)}.${quoteIdentifier(reader.identifier('a table'))}`
    : quoteIdentifier(first);
  reader.expect('for');
  const scopes = parseScopes(reader);
  const using = reader.takeIf('using') ? parenthesized(reader) : undefined;
  const check = reader.takeIf('check') ? parenthesized(reader) : undefined;
  if (reader.next.kind !== 'end') throw reader.unexpected('using, check or the end');
  for (const scope of scopes) {
    const needs = scope === 'insert' ? 'check' : 'using';
    if ((needs === 'check' ? check : using) === undefined) {
      throw new PolicyError(reader.next.at, `a policy for ${scope} needs ${needs} (…)`);
    }
  }
  if (check !== undefined && !scopes.includes('insert') && !scopes.includes('update')) {
    throw new PolicyError(reader.next.at, 'check (…) is about new rows; it needs the scope insert or update');
  }
  return {
    name,
    table,
    scopes,
    ...(using === undefined ? {} : { using }),
    ...(check === undefined ? {} : { check }),
  };
}

function parseScopes(reader: TokenReader): readonly Scope[] {
  if (reader.takeIf('all')) return SCOPES;
  const scopes = new Set<Scope>();
  do {
    const scope = SCOPES.find((candidate) => reader.takeIf(candidate));
    if (scope === undefined) throw reader.unexpected('select, insert, update, delete or all');
    scopes.add(scope);
  } while (reader.takeIf(','));
  return [...scopes];
}

function parenthesized(reader: TokenReader): string {
  reader.expect('(');
  const sql = compileExpression(reader);
  reader.expect(')');
  return sql;
}
