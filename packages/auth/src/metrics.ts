import {
  type Clock,
  type Counter,
  counter,
  type MetricsContributor,
  metricsContributor,
  type OpenLabel,
  observedGauge,
  openLabel,
  RESULTS,
  type ReactorError,
  type Result,
  resultOf,
} from '@reactor/core';

/** Why something was rejected: error codes that have a value of their own. All others are `other`. */
const SIGN_IN_REASONS = ['invalid_credentials', 'user_disabled', 'too_many_requests'] as const;
const SIGN_UP_REASONS = ['email_exists', 'weak_password', 'signup_disabled', 'too_many_requests'] as const;
const PASSWORD_CHANGE_REASONS = ['invalid_password', 'weak_password', 'too_many_requests'] as const;
const REFRESH_REASONS = ['invalid_refresh_token', 'user_disabled'] as const;
const VERIFY_REASONS = ['expired', 'invalid'] as const;
const GRANTS = ['signup', 'password', 'refresh_token', 'session'] as const;

export type Grant = (typeof GRANTS)[number];

/** Which attempts at a password are counted. */
export type AttemptKind = 'sign_in' | 'sign_up' | 'password_change';

/** What auth counts, in words of the domain. */
export interface AuthMetrics {
  readonly contributor: MetricsContributor;
  /** @param error absent when the attempt succeeded */
  attempted(kind: AttemptKind, error?: ReactorError): void;
  refreshed(error?: ReactorError): void;
  issued(grant: Grant): void;
  verified(result: 'ok' | 'failed' | (typeof VERIFY_REASONS)[number]): void;
  swept(result: 'ok' | 'failed'): void;
}

/** What a scrape reads from the databases, of each tenant. */
export interface AuthSources {
  readonly clock: Clock;
  activeSessions(): Promise<readonly number[]>;
  /** When the key that signs now was made; undefined while there is none. */
  signingKeysSince(): Promise<readonly (Date | undefined)[]>;
}

/** One for all tenants. Nothing is counted by itself: who calls tells what happened, and a scrape asks the sources. */
export function createAuthMetrics({ clock, activeSessions, signingKeysSince }: AuthSources): AuthMetrics {
  const attempts = {
    sign_in: new Outcomes('reactor_auth_sign_ins_total', 'Attempts to sign in with a password', SIGN_IN_REASONS),
    sign_up: new Outcomes('reactor_auth_sign_ups_total', 'Attempts to create an account', SIGN_UP_REASONS),
    password_change: new Outcomes(
      'reactor_auth_password_changes_total',
      'Attempts of signed-in users to change their password',
      PASSWORD_CHANGE_REASONS,
    ),
  };
  const refreshes = new Outcomes(
    'reactor_auth_token_refreshes_total',
    'Attempts to get an access token for a refresh token',
    REFRESH_REASONS,
  );
  const verifications = new Outcomes(
    'reactor_auth_token_verifications_total',
    'Checks of an access token for any capability of this process',
    VERIFY_REASONS,
  );
  const issued = counter({
    name: 'reactor_auth_tokens_issued_total',
    help: 'Access tokens signed, by what they were given for',
    moves: 'once per signed token',
    unit: 'none',
    labels: { grant: GRANTS },
  });
  const sweeps = counter({
    name: 'reactor_auth_sweeps_total',
    help: 'Removals of expired sessions and verification values',
    moves: 'once per finished sweep: a minute after the start, then hourly',
    unit: 'none',
    labels: { result: ['ok', 'failed'] },
  });
  const sessions = observedGauge({
    name: 'reactor_auth_active_sessions',
    help: 'Sessions that have not expired, kept in the database and so the same on every server',
    moves: 'when a session begins, ends or expires',
    unit: 'none',
    aggregator: 'max',
    collect: async () => (await activeSessions()).reduce((sum, count) => sum + count, 0),
  });
  const keyAge = observedGauge({
    name: 'reactor_auth_jwks_age_seconds',
    help: 'Age of the key that signs access tokens, read from the database; absent while there is none',
    moves: 'with time, back to 0 when a new key is made',
    unit: 'seconds',
    aggregator: 'max',
    async collect() {
      const ages = (await signingKeysSince()).flatMap((since) =>
        since === undefined ? [] : [Math.max(0, (clock.now() - since.getTime()) / 1000)],
      );
      return ages.length === 0 ? [] : [{ labels: {}, value: Math.max(...ages) }];
    },
  });
  return {
    contributor: metricsContributor([
      ...Object.values(attempts).map(({ family }) => family),
      refreshes.family,
      issued,
      verifications.family,
      sweeps,
      sessions,
      keyAge,
    ]),
    attempted: (kind, error) => attempts[kind].count(error),
    refreshed: (error) => refreshes.count(error),
    issued: (grant) => issued.child({ grant }).inc(),
    verified: (result) => {
      if (result === 'ok' || result === 'failed') verifications.add(result);
      else verifications.add('rejected', result);
    },
    swept: (result) => sweeps.child({ result }).inc(),
  };
}

type OutcomeLabels = { readonly result: typeof RESULTS; readonly reason: OpenLabel };

/** A counter of attempts by how they ended; `reason` says why one was rejected, and is `none` for the others. */
class Outcomes {
  readonly family: Counter<OutcomeLabels>;
  readonly #reasons: ReadonlySet<string>;

  constructor(name: string, help: string, reasons: readonly string[]) {
    this.#reasons = new Set(reasons);
    this.family = counter({
      name,
      help,
      moves: 'once per attempt, when its result is known',
      unit: 'none',
      // Open only to leave out combinations that mean nothing.
      labels: { result: RESULTS, reason: openLabel(reasons.length + 2) },
    });
    for (const result of ['ok', 'failed'] as const) this.family.child({ result, reason: 'none' });
    for (const reason of [...reasons, 'other']) this.family.child({ result: 'rejected', reason });
  }

  /** @param error absent when it succeeded */
  count(error: ReactorError | undefined): void {
    const result = error === undefined ? 'ok' : resultOf(error);
    if (error === undefined || result !== 'rejected') this.add(result);
    else this.add(result, this.#reasons.has(error.code) ? error.code : 'other');
  }

  add(result: Result, reason = 'none'): void {
    this.family.child({ result, reason }).inc();
  }
}
