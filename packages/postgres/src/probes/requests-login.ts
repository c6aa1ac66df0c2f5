import { type Database, POLICY_SCHEMA, type ProbeResult, type QueryOptions, REQUEST_ROLES } from '@reactor/core';
import { escapeIdentifier } from 'pg';
import type { RequestsLogin } from '../requests-login/requests-login.js';
import { readLoginState, repairs } from '../requests-login/state.js';
import type { ProbedRequests } from './database-probes.js';

/** `requests_login`: whether callers run on a login that may become the request roles and nothing else. */
export async function probeRequestsLogin(
  system: Database,
  { database, login }: ProbedRequests,
  query: QueryOptions,
): Promise<ProbeResult> {
  const { rows } = await database.query<{ name: string }>('SELECT session_user::text AS name', [], query);
  const name = rows[0]?.name ?? '';
  if (login.fallback !== undefined) return onConfiguredLogin(name, login);
  const state = await readLoginState(system, name, query);
  const lacking = repairs(name, state);
  if (lacking.length === 0 && state.owned === 0) return { status: 'ok', message: `${name}: no rights of its own` };
  const owned = state.owned === 0 ? [] : [`REASSIGN OWNED BY ${escapeIdentifier(name)} TO CURRENT_USER`];
  return {
    status: 'warn',
    code: 'requests_login_unfit',
    message:
      lacking.length === 0
        ? `The login ${name} owns ${state.owned} objects, which row-level security does not keep from it.`
        : `The login ${name} has other rights than requests need.`,
    remedy: `As an administrator of the database: ${[...lacking, ...owned].map((sql) => `${sql};`).join(' ')}`,
  };
}

function onConfiguredLogin(
  configured: string,
  { fallback, name = 'reactor_requests', isConfigured }: RequestsLogin,
): ProbeResult {
  const login = quoteWhereNeeded(name);
  const make =
    `CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD '…'; GRANT ${REQUEST_ROLES.join(', ')} TO ${login}; ` +
    `GRANT USAGE ON SCHEMA ${POLICY_SCHEMA} TO ${login};`;
  return {
    status: 'warn',
    code: 'requests_login_missing',
    message:
      `Requests run on the configured login ${configured}: ${fallback}. Policies bind them all the same, but a ` +
      'function with dynamic SQL that leaves its role (RESET ROLE) has the rights of that login.',
    remedy: isConfigured
      ? 'Correct database.requests_url, and restart.'
      : `As an administrator of the database: ${make} Then set database.requests_url to its URL, and restart.`,
  };
}

/** For people to read. */
function quoteWhereNeeded(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : escapeIdentifier(name);
}
