// Apart from `provider.ts`, so that the types of this package stand without better-auth's, which need those of Bun.
import type { AccessClaims, ClaimedSession } from './claims.js';
import type { Member } from './store.js';

/** What our routes and tokens need of better-auth. Everything rejects with a ReactorError. */
export interface Provider {
  signUp(input: SignUpInput, headers: Headers): Promise<BegunSession>;
  signIn(input: Credentials, headers: Headers): Promise<BegunSession>;
  /** The session of a session token, extended when it is due; undefined when it is unknown or over. */
  findSession(sessionToken: string): Promise<ClaimedSession | undefined>;
  /** Signs an access token; makes the first key when there is none. */
  sign(claims: AccessClaims): Promise<string>;
  /** Makes a signing key when there is none at all. */
  makeFirstKey(): Promise<void>;
  /** Answers one of `providerEndpoints`. A refusal is thrown. */
  handle(request: Request): Promise<Response>;
}

/** A session, its token, and what is known of its user when it began. */
export interface BegunSession {
  readonly sessionToken: string;
  readonly session: ClaimedSession;
  /** Absent after a sign-up, which does not read it. */
  readonly member?: Member | undefined;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface SignUpInput extends Credentials {
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}
