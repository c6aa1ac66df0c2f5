import { type Database, silentLogger } from '@reactor/core';
import { createTestDatabase } from '@reactor/testing';
import { expect, test } from 'vitest';
import { createClaims } from '../src/claims.js';
import { createAuth, parseAuthConfig } from '../src/index.js';
import { createBetterAuth } from '../src/provider.js';
import { endpointsOf, type ProviderEndpoint, providerEndpoints } from '../src/provider-endpoints.js';
import { SigningKeys } from '../src/signing-keys.js';
import { AuthStore } from '../src/store.js';
import { createAuthDatabase, createTestAuth, dateClock, SECRET, signUp } from './fixture.js';

const config = parseAuthConfig({ secret: SECRET, allow_signup: true });

/** better-auth as the capability has it. */
function instanceOn(database: Database) {
  const store = new AuthStore(database);
  return createBetterAuth({
    trustedOrigins: [],
    config,
    database,
    store,
    keys: new SigningKeys(database, dateClock, 60),
    claimsOf: createClaims(store, config, dateClock),
    clock: dateClock,
    logger: silentLogger,
    onTokenIssued: () => {},
  });
}

/** better-auth's own comparison of the tables with what it writes. */
async function checkSchema(database: Database): Promise<void> {
  const { explicitSchemaCheck } = await instanceOn(database).$context;
  if (explicitSchemaCheck === undefined) throw new Error('better-auth has no check for this database');
  await explicitSchemaCheck();
}

test('our tables are those that better-auth writes', async () => {
  const { database } = await createAuthDatabase();
  await checkSchema(database);
  await database.query('ALTER TABLE reactor_auth.sessions DROP COLUMN user_agent');
  await expect(checkSchema(database)).rejects.toThrow('user_agent');
});

test('the routes are those of the instance that answers them', async () => {
  const { database } = await createAuthDatabase();
  const { api } = instanceOn(database);
  expect(endpointsOf(api).length).toBeGreaterThan(40);
  const routes = (endpoints: readonly ProviderEndpoint[]) => endpoints.map(({ path, methods }) => [path, methods]);
  expect(routes(providerEndpoints())).toEqual(routes(endpointsOf(api)));
});

test('a request that comes before the migrations does not spoil what comes after', async () => {
  const { database } = await createTestDatabase();
  const auth = await createTestAuth({ database, start: false });
  expect((await auth.post('/login', { email: 'ada@example.com', password: 'x' })).status).toBe(500);
  for (const { sql } of createAuth(config, { database, clock: dateClock, logger: silentLogger }).migrations) {
    await database.query(sql);
  }
  await signUp(auth);
});

test('deleting a user deletes everything of theirs, and an organization its members', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  const headers = { Authorization: `Bearer ${refresh_token}` };
  const { body: org } = await auth.post('/organization/create', { name: 'A', slug: 'a' }, headers);
  await auth.post('/organization/invite-member', { email: 'bob@example.com', role: 'member' }, headers);
  await auth.database.query('DELETE FROM reactor_auth.organizations WHERE id = $1', [org.id]);
  // The session goes on without its organization.
  expect((await auth.get('/get-session', headers)).body.session.activeOrganizationId).toBeNull();
  await auth.database.query('DELETE FROM reactor_auth.users');
  const { rows } = await auth.database.query(
    `SELECT (SELECT count(*)::int FROM reactor_auth.accounts) AS accounts,
            (SELECT count(*)::int FROM reactor_auth.sessions) AS sessions,
            (SELECT count(*)::int FROM reactor_auth.members) AS members,
            (SELECT count(*)::int FROM reactor_auth.invitations) AS invitations`,
  );
  expect(rows).toEqual([{ accounts: 0, sessions: 0, members: 0, invitations: 0 }]);
});

test('every foreign key has an index, so that a delete does not read whole tables', async () => {
  const { database } = await createAuthDatabase();
  const { rows } = await database.query(
    `SELECT conrelid::regclass::text AS "table", conname
       FROM pg_constraint fk
      WHERE contype = 'f' AND connamespace = 'reactor_auth'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = fk.conrelid AND i.indkey[0] = fk.conkey[1])`,
  );
  expect(rows).toEqual([]);
});
