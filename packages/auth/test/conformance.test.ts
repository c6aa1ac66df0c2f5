import { silentLogger } from '@reactor/core';
import { describeConformance } from '@reactor/testing';
import { createAuth, parseAuthConfig } from '../src/index.js';
import { createAuthDatabase, dateClock, SECRET } from './fixture.js';

describeConformance('auth', async () => {
  const { database } = await createAuthDatabase();
  const config = parseAuthConfig({ secret: SECRET, allow_signup: true });
  return { create: () => createAuth(config, { database, clock: dateClock, logger: silentLogger }) };
});
