import { type Clock, type Database, type Logger, ReactorError, uuidv7 } from '@reactor/core';
import { betterAuth } from 'better-auth';
import { APIError } from 'better-auth/api';
import { bearer } from 'better-auth/plugins/bearer';
import { jwt } from 'better-auth/plugins/jwt';
import { organization } from 'better-auth/plugins/organization';
import type { ClaimedSession, ClaimsOf } from './claims.js';
import type { AuthConfig } from './config.js';
import { fromDatabaseError } from './errors.js';
import { SECRET_VERSION } from './key-check.js';
import { createKysely, watchDatabase } from './kysely-dialect.js';
import { PassingStorage, passThroughBetterAuth } from './passing-storage.js';
import { asProviderError, fromProviderError } from './provider-errors.js';
import type { BegunSession, Provider } from './provider-port.js';
import { SIGNING_ALGORITHM, type SigningKey, type SigningKeys } from './signing-keys.js';
import type { AuthStore, Member } from './store.js';

/** Where the client's address travels to better-auth. Whatever a caller sends under this name is dropped. */
export const CLIENT_ADDRESS_HEADER = 'x-reactor-client-address';

/** Path better-auth believes to be mounted at, whatever the app around us does. */
export const PROVIDER_BASE_PATH = '/auth/v1';

const DAY_SECONDS = 86_400;

export interface ProviderContext {
  readonly config: AuthConfig;
  readonly trustedOrigins: readonly string[];
  readonly database: Database;
  readonly store: AuthStore;
  readonly keys: SigningKeys;
  readonly claimsOf: ClaimsOf;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of each token that better-auth itself hands out. */
  readonly onTokenIssued: () => void;
}

/** better-auth on our database, keys and clock. */
export function createProvider(context: ProviderContext): Provider {
  const auth = createBetterAuth(context);
  passThroughBetterAuth();
  return {
    async signUp(input, headers) {
      return begin(() => auth.api.signUpEmail({ body: { ...input }, headers }));
    },
    async signIn(credentials, headers) {
      return begin(() => auth.api.signInEmail({ body: { ...credentials }, headers }));
    },
    async findSession(sessionToken) {
      const headers = new Headers({ Authorization: `Bearer ${sessionToken}` });
      const found = await run(() => auth.api.getSession({ headers }));
      return found?.session;
    },
    async sign(claims) {
      const { token } = await run(() => auth.api.signJWT({ body: { payload: { ...claims } } }));
      return token;
    },
    async makeFirstKey() {
      await run(() => auth.api.getJwks());
    },
    handle: (request) =>
      run(async () => {
        const answer = await auth.handler(request);
        if (answer.status >= 400) throw await refusal(answer);
        return answer;
      }),
  };
}

/** The instance itself, for the test that holds our tables against what better-auth writes. */
export function createBetterAuth({
  config,
  trustedOrigins,
  database,
  store,
  keys,
  claimsOf,
  clock,
  logger,
  onTokenIssued,
}: ProviderContext) {
  // better-auth would take it for a pattern, and trust everything that matches it.
  const pattern = trustedOrigins.find((origin) => /[*?]/.test(origin));
  if (pattern !== undefined) throw new Error(`trustedOrigins: ${pattern} is not an exact origin`);
  const ownOrigin = config.publicUrl === undefined ? undefined : new URL(config.publicUrl).origin;
  return betterAuth({
    appName: 'Reactor',
    // `secrets` as well as `secret`: without it BETTER_AUTH_SECRETS of the environment would win.
    secret: config.secret,
    secrets: [{ version: SECRET_VERSION, value: config.secret }],
    // A name nobody can have: the origin of this URL is trusted, in addition to that of the request.
    baseURL: ownOrigin ?? 'http://reactor.invalid',
    basePath: PROVIDER_BASE_PATH,
    trustedOrigins: (request) => (request === undefined ? [] : [new URL(request.url).origin, ...trustedOrigins]),
    database: { db: createKysely(database), type: 'postgres', schemaName: 'reactor_auth', transaction: true },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: 8,
      maxPasswordLength: 128,
    },
    user: {
      modelName: 'users',
      additionalFields: {
        metadata: { type: 'json', required: false, defaultValue: () => ({}) },
        disabledAt: { type: 'date', required: false, input: false, returned: false },
      },
    },
    session: {
      modelName: 'sessions',
      expiresIn: config.refreshTtlSeconds,
      // An extension is a write; once a day is often enough for a session of a month.
      updateAge: Math.min(DAY_SECONDS, Math.floor(config.refreshTtlSeconds / 2)),
    },
    account: { modelName: 'accounts' },
    verification: { modelName: 'verifications' },
    databaseHooks: {
      session: {
        create: {
          async before(session, endpoint) {
            // A new user is not visible to other connections yet, cannot be disabled and is in no organization.
            if (endpoint?.path === '/sign-up/email') return;
            const start = await store.sessionStart(session.userId);
            if (start?.user.disabled === true) {
              throw new APIError('FORBIDDEN', { code: 'USER_DISABLED', message: 'This account is disabled.' });
            }
            const begun = beginning.getStore();
            if (begun !== undefined) begun.member = start;
            return { data: { ...session, activeOrganizationId: start?.onlyOrganizationId ?? null } };
          },
          async after(session) {
            const begun = beginning.getStore();
            if (begun !== undefined) begun.session = session;
          },
        },
      },
    },
    plugins: [
      bearer(),
      organization({
        // Ids are handed over by the inviter: there is no mail that could prove an address.
        requireEmailVerificationOnInvitation: false,
        schema: {
          organization: { modelName: 'organizations' },
          member: { modelName: 'members' },
          invitation: { modelName: 'invitations' },
        },
      }),
      jwt({
        schema: { jwks: { modelName: 'signingKeys' } },
        // Otherwise each GET /get-session would sign a token nobody asked for.
        disableSettingJwtHeader: true,
        jwks: { keyPairConfig: { alg: SIGNING_ALGORITHM } },
        adapter: {
          getJwks: async () => (await keys.list()).map(toStored),
          createJwk: async (key) => toStored(await keys.create(key, uuidv7(clock.now()))),
        },
        jwt: {
          issuer: config.jwtIssuer,
          audience: config.jwtAudience,
          definePayload: async ({ session }) => {
            const { claims } = await claimsOf(session as unknown as ClaimedSession);
            onTokenIssued();
            return claims;
          },
          getSubject: ({ user }) => user.id,
        },
      }),
    ],
    // Ours also counts accounts, not only addresses, and sees calls that do not come over HTTP.
    rateLimit: { enabled: false },
    advanced: {
      cookiePrefix: 'reactor',
      // Set, because better-auth switches both checks off by itself when NODE_ENV is `test`.
      disableOriginCheck: false,
      disableCSRFCheck: false,
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS_HEADER] },
      database: {
        generateId: () => uuidv7(clock.now()),
        // One look at a database that is not migrated yet would be remembered, and refuse everything until a restart.
        validateSchema: false,
        // A user comes with the accounts, a session with its user: one round trip instead of two.
        joins: true,
      },
    },
    onAPIError: { throw: true },
    telemetry: { enabled: false },
    logger: {
      level: 'debug',
      log: (level, message, ...details) => {
        const error = details.find((detail) => detail instanceof Error);
        const fields = { detail: message, ...(error === undefined ? {} : { error }) };
        // What better-auth calls an error either reaches the caller or is thrown and logged there.
        if (level === 'error') logger.warn('better-auth reports a problem', fields);
        else logger.debug('better-auth says', fields);
      },
    },
  });
}

/** Turns every failure into a ReactorError; an error of the database comes first. */
async function run<T>(work: () => Promise<T>): Promise<T> {
  const { result, failure } = await watchDatabase(work);
  try {
    return await result;
  } catch (error) {
    if (error instanceof ReactorError && failure === undefined) throw error;
    if (failure !== undefined) throw fromDatabaseError(failure);
    const refused = asProviderError(error);
    throw refused === undefined ? fromDatabaseError(error) : fromProviderError(refused, error);
  }
}

async function refusal(response: Response): Promise<ReactorError> {
  const body = (await response.json().catch(() => ({}))) as { code?: unknown; message?: unknown } | null;
  return fromProviderError({
    status: response.status,
    code: typeof body?.code === 'string' ? body.code : undefined,
    message: typeof body?.message === 'string' ? body.message : undefined,
  });
}

/** What the hooks see of the session that a call begins, so that nobody reads it again. */
interface Beginning {
  session?: ClaimedSession;
  member?: Member | undefined;
}

const beginning = new PassingStorage<Beginning>();

async function begin(work: () => Promise<{ readonly token: string | null }>): Promise<BegunSession> {
  const begun: Beginning = {};
  const { token } = await run(() => beginning.run(begun, work));
  const { session, member } = begun;
  if (token === null || session === undefined) throw new Error('better-auth began no session');
  return { sessionToken: token, session, member };
}

/** better-auth's own type leaves no room for an absent `alg`. */
function toStored(key: SigningKey) {
  const { id, publicKey, privateKey, createdAt, expiresAt } = key;
  return {
    id,
    publicKey,
    privateKey,
    createdAt,
    alg: SIGNING_ALGORITHM as typeof SIGNING_ALGORITHM,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
