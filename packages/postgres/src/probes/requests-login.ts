import { POLICY_SCHEMA, type ProbeResult, type QueryOptions, REQUEST_ROLES } from '@reactor/core';
import { escapeIdentifier } from 'pg';
import { identityOf } from '../database/identity.js';
import { additions, type LoginState, missingRoles, readLoginState, restrictions } from '../requests-login/state.js';
import type { ProbedDatabase, ProbedRequests } from './probed.js';

/** `requests_login`: whether callers run on a login that may become the request roles and nothing else. */
export async function probeRequestsLogin(
  { system, pooler }: ProbedDatabase,
  { database, login }: ProbedRequests,
  query: QueryOptions,
): Promise<ProbeResult> {
  const name = await loginOf(database, query);
  const configured = await loginOf(system, query);
  const state = await readLoginState(system, login.name ?? name, query);
  if (login.fallback !== undefined) {
    const { fallback, isConfigured, name: own = 'reactor_requests' } = login;
    return {
      status: 'warn',
      code: 'requests_login_missing',
      message:
        `Requests run on the configured login ${configured}: ${fallback}. Policies bind them all the same, but a ` +
        'function with dynamic SQL that leaves its role (RESET ROLE) has the rights of that login.',
      remedy: isConfigured ? 'Correct database.requests_url, and restart.' : toMake(own, state, pooler.evidence),
    };
  }
  if (login.isConfigured) {
    if ((await identityOf(database, query)) !== (await identityOf(system, query))) {
      return {
        status: 'fail',
        code: 'requests_url_elsewhere',
        message: 'database.requests_url leads to another database than database.url.',
        remedy: 'Correct one of them, and restart.',
      };
    }
    const another = whyAnother(name, configured, state);
    if (another !== undefined) {
      return {
        status: 'warn',
        code: 'requests_login_unfit',
        message: `database.requests_url names ${name}, ${another}.`,
        remedy: `Use a login that is for requests alone. ${toMake('reactor_requests', undefined, undefined)}`,
      };
    }
  }
  return unfit(name, state) ?? { status: 'ok', message: `${name}: no rights of its own` };
}

function unfit(name: string, state: LoginState): ProbeResult | undefined {
  const lacking = additions(name, state);
  if (lacking.length > 0) {
    return {
      status: missingRoles(state).length > 0 ? 'fail' : 'warn',
      code: 'requests_login_unfit',
      message: `The login ${name} lacks what requests need.`,
      remedy: `As an administrator of the database: ${statements(lacking)}`,
    };
  }
  if (state.owned > 0) {
    return {
      status: 'warn',
      code: 'requests_login_unfit',
      message: `The login ${name} owns ${state.owned} objects, which row-level security does not keep from it.`,
      remedy: `As an administrator of the database: REASSIGN OWNED BY ${escapeIdentifier(name)} TO CURRENT_USER;`,
    };
  }
  const excess = restrictions(name, state);
  if (excess.length === 0) return undefined;
  return {
    status: 'warn',
    code: 'requests_login_unfit',
    message: `The login ${name} has rights or settings that requests should not have.`,
    remedy: `Restart the server, which takes them back, or run as an administrator of the database: ${statements(excess)}`,
  };
}

/** Why a login with other uses should not serve requests. */
function whyAnother(name: string, configured: string, { excess, owned }: LoginState): string | undefined {
  if (name === configured) return 'the login of database.url';
  if (excess.length > 0) return `which has ${excess.join(', ')}`;
  return owned > 0 ? `which owns ${owned} objects` : undefined;
}

function toMake(name: string, state: LoginState | undefined, pooler: string | undefined): string {
  const login = quoteWhereNeeded(name);
  const verb = state?.present
    ? `ALTER ROLE ${login} PASSWORD '…';`
    : `CREATE ROLE ${login} LOGIN NOINHERIT PASSWORD '…';`;
  const sql = `${verb} GRANT ${REQUEST_ROLES.join(', ')} TO ${login}; GRANT USAGE ON SCHEMA ${POLICY_SCHEMA} TO ${login};`;
  const known =
    pooler !== undefined && state?.present
      ? `Where the pooler has a list of users, add ${login} to it, with what SELECT rolpassword FROM pg_authid WHERE rolname = '${name}' gives, and restart. Or, as `
      : 'As ';
  return `${known}an administrator of the database, run: ${sql} After that set database.requests_url to its URL, and restart.`;
}

async function loginOf(database: ProbedDatabase['system'], query: QueryOptions): Promise<string> {
  const { rows } = await database.query<{ name: string }>('SELECT session_user::text AS name', [], query);
  return rows[0]?.name ?? '';
}

function statements(sql: readonly string[]): string {
  return sql.map((one) => `${one};`).join(' ');
}

/** For people to read. */
function quoteWhereNeeded(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : escapeIdentifier(name);
}
