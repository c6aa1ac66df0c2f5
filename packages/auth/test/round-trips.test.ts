import type { Database, Queryable } from '@reactor/core';
import { expect, test } from 'vitest';
import { bearer, createAuthDatabase, createTestAuth, PASSWORD, signUp } from './fixture.js';

/** A database that notes what is sent to it, one entry for each round trip. */
function recording(database: Database): { readonly recorded: Database; readonly trips: string[] } {
  const trips: string[] = [];
  const queryable = (inner: Queryable): Queryable => ({
    query: (text, values, options) => {
      trips.push(text);
      return inner.query(text, values, options);
    },
  });
  const recorded: Database = {
    ...queryable(database),
    connect: async (options) => {
      const connection = await database.connect(options);
      return {
        ...queryable(connection),
        pipeline: (statements, pipelineOptions) => {
          trips.push(statements.map(({ text }) => text).join('; '));
          return connection.pipeline(statements, pipelineOptions);
        },
        release: (broken) => connection.release(broken),
      };
    },
    transaction: async (work) => {
      trips.push('BEGIN');
      return database.transaction((connection) => work(queryable(connection))).finally(() => trips.push('COMMIT'));
    },
    ping: (signal) => database.ping(signal),
    events: database.events,
  };
  return { recorded, trips };
}

test('a sign-in takes three round trips to the database, a refresh two', async () => {
  const { recorded, trips } = recording((await createAuthDatabase()).database);
  const auth = await createTestAuth({ database: recorded });
  // The keys are read then, and made.
  const { refresh_token } = await signUp(auth);
  const { body: organization } = await auth.post(
    '/organization/create',
    { name: 'A', slug: 'a' },
    bearer(refresh_token),
  );
  const tripsOf = async (path: string, body: Record<string, unknown>) => {
    trips.length = 0;
    const answer = await auth.post(path, body);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return { trips: trips.length, body: answer.body };
  };
  const credentials = { email: 'ada@example.com', password: PASSWORD };
  const signIn = await tripsOf('/login', credentials);
  expect({
    'sign-in': signIn.trips,
    'sign-in by better-auth': (await tripsOf('/sign-in/email', credentials)).trips,
    refresh: (await tripsOf('/token', { refresh_token: signIn.body.refresh_token })).trips,
    'sign-up': (await tripsOf('/signup', { email: 'bob@example.com', password: PASSWORD })).trips,
  }).toEqual({ 'sign-in': 3, 'sign-in by better-auth': 3, refresh: 2, 'sign-up': 7 });
  expect(await auth.auth.tokens.verify(signIn.body.access_token)).toMatchObject({
    kind: 'user',
    email: 'ada@example.com',
    orgId: organization.id,
    orgRole: 'owner',
  });
});
