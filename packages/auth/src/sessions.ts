import { toReactorError } from '@reactor/core';
import type { Attempts } from './attempts.js';
import type { ClaimedSession, ClaimsOf } from './claims.js';
import type { AuthConfig } from './config.js';
import { authErrors } from './errors.js';
import type { AuthMetrics, Grant } from './metrics.js';
import type { BegunSession, Credentials, Provider, SignUpInput } from './provider-port.js';
import type { AuthStore, StoredUser } from './store.js';

/** A session just begun or refreshed. */
export interface IssuedSession {
  readonly user: StoredUser;
  readonly accessToken: string;
  /** The session token. */
  readonly refreshToken: string;
  /** Seconds the access token lives from now. */
  readonly expiresInSeconds: number;
  readonly expiresAt: Date;
}

/** Who tries, for limits and for the session's own record. */
export interface Client {
  readonly address?: string | undefined;
  readonly headers: Headers;
}

/** Who creates an account. */
export interface SignUpClient extends Client {
  readonly byOperator: boolean;
}

export interface SessionsContext {
  readonly config: AuthConfig;
  readonly provider: Provider;
  readonly store: AuthStore;
  readonly attempts: Attempts;
  readonly claimsOf: ClaimsOf;
  readonly metrics: AuthMetrics;
}

/** @throws ReactorError `signup_disabled` (403) where only the operator creates accounts */
export function requireOpenSignUp(config: AuthConfig, byOperator: boolean): void {
  if (config.allowSignup || byOperator) return;
  throw authErrors.create.signup_disabled('Sign-up is closed here; an operator creates accounts with the admin token.');
}

/** How better-auth writes a session token; anything else does not reach a header or the database. */
const SESSION_TOKEN = /^[A-Za-z0-9_-]{16,128}$/;

/** Beginning, refreshing and ending sessions. */
export class Sessions {
  readonly #context: SessionsContext;

  constructor(context: SessionsContext) {
    this.#context = context;
  }

  /** @throws ReactorError `signup_disabled`, `email_exists`, `weak_password`, `too_many_requests` */
  async signUp(input: SignUpInput, client: SignUpClient): Promise<IssuedSession> {
    const { attempts, config, provider } = this.#context;
    const begun = await attempts.run({ kind: 'sign_up', address: client.address }, async () => {
      requireOpenSignUp(config, client.byOperator);
      return provider.signUp(input, client.headers);
    });
    return this.#issue(begun, 'signup');
  }

  /** @throws ReactorError `invalid_credentials`, `user_disabled`, `too_many_requests` */
  async signIn(credentials: Credentials, client: Client): Promise<IssuedSession> {
    const { attempts, provider } = this.#context;
    const attempt = { kind: 'sign_in', address: client.address, account: credentials.email } as const;
    const begun = await attempts.run(attempt, () => provider.signIn(credentials, client.headers));
    return this.#issue(begun, 'password');
  }

  /** @throws ReactorError `invalid_refresh_token`, `user_disabled` */
  async refresh(refreshToken: string): Promise<IssuedSession> {
    const { metrics } = this.#context;
    try {
      const session = await this.find(refreshToken);
      if (session === undefined) {
        throw authErrors.create.invalid_refresh_token(
          'The refresh token is unknown or expired, or its session was ended.',
        );
      }
      const issued = await this.#issue({ sessionToken: refreshToken, session }, 'refresh_token');
      metrics.refreshed();
      return issued;
    } catch (error) {
      metrics.refreshed(toReactorError(error));
      throw error;
    }
  }

  /** The session a session token belongs to, undefined when it is over. */
  async find(sessionToken: string): Promise<ClaimedSession | undefined> {
    return SESSION_TOKEN.test(sessionToken) ? this.#context.provider.findSession(sessionToken) : undefined;
  }

  async end(by: { readonly id: string } | { readonly token: string }): Promise<void> {
    if ('token' in by && !SESSION_TOKEN.test(by.token)) return;
    await this.#context.store.endSession(by);
  }

  async #issue({ sessionToken, session, member }: BegunSession, grant: Grant): Promise<IssuedSession> {
    const { claimsOf, provider, metrics } = this.#context;
    const { claims, user } = await claimsOf(session, member);
    const accessToken = await provider.sign(claims);
    metrics.issued(grant);
    return {
      user,
      accessToken,
      refreshToken: sessionToken,
      expiresInSeconds: claims.exp - claims.iat,
      expiresAt: new Date(claims.exp * 1000),
    };
  }
}
