import {
  type Clock,
  counter,
  type Database,
  type MetricsContributor,
  metricsContributor,
  observedGauge,
  type ReactorError,
} from '@reactor/core';
import { AuthStore } from './store.js';

const SIGN_IN_RESULTS = ['ok', 'invalid_credentials', 'user_disabled', 'throttled', 'rejected', 'error'] as const;
const SIGN_UP_RESULTS = ['ok', 'email_exists', 'weak_password', 'disabled', 'throttled', 'rejected', 'error'] as const;
const PASSWORD_CHANGE_RESULTS = ['ok', 'throttled', 'rejected', 'error'] as const;
const REFRESH_RESULTS = ['ok', 'invalid', 'user_disabled', 'error'] as const;
const VERIFY_RESULTS = ['ok', 'expired', 'invalid', 'error'] as const;
const GRANTS = ['signup', 'password', 'refresh_token', 'session'] as const;
const SWEEP_RESULTS = ['ok', 'error'] as const;

export type Grant = (typeof GRANTS)[number];
export type VerifyResult = (typeof VERIFY_RESULTS)[number];

/** Which attempts at a password are counted, and under which results. */
export const ATTEMPT_KINDS = ['sign_in', 'sign_up', 'password_change'] as const;
export type AttemptKind = (typeof ATTEMPT_KINDS)[number];

/** What auth counts, in words of the domain. */
export interface AuthMetrics extends MetricsContributor {
  /** @param error absent when the attempt succeeded */
  attempted(kind: AttemptKind, error?: ReactorError): void;
  refreshed(error?: ReactorError): void;
  issued(grant: Grant): void;
  verified(result: VerifyResult): void;
  swept(result: (typeof SWEEP_RESULTS)[number]): void;
}

/** The families of auth. Two of them read the database when a scrape asks. */
export function authMetrics(database: Database, clock: Clock): AuthMetrics {
  const store = new AuthStore(database);
  const signIns = counter({
    name: 'reactor_auth_sign_ins_total',
    help: 'Attempts to sign in with a password',
    moves: 'once per attempt, when its result is known',
    unit: 'none',
    labels: { result: SIGN_IN_RESULTS },
  });
  const signUps = counter({
    name: 'reactor_auth_sign_ups_total',
    help: 'Attempts to create an account',
    moves: 'once per attempt, when its result is known',
    unit: 'none',
    labels: { result: SIGN_UP_RESULTS },
  });
  const passwordChanges = counter({
    name: 'reactor_auth_password_changes_total',
    help: 'Attempts of signed-in users to change their password',
    moves: 'once per attempt, when its result is known',
    unit: 'none',
    labels: { result: PASSWORD_CHANGE_RESULTS },
  });
  const refreshes = counter({
    name: 'reactor_auth_token_refreshes_total',
    help: 'Attempts to get an access token for a refresh token',
    moves: 'once per attempt, when its result is known',
    unit: 'none',
    labels: { result: REFRESH_RESULTS },
  });
  const issued = counter({
    name: 'reactor_auth_tokens_issued_total',
    help: 'Access tokens signed, by what they were given for',
    moves: 'once per signed token',
    unit: 'none',
    labels: { grant: GRANTS },
  });
  const verifications = counter({
    name: 'reactor_auth_token_verifications_total',
    help: 'Access tokens checked for any capability of this process',
    moves: 'once per checked token',
    unit: 'none',
    labels: { result: VERIFY_RESULTS },
  });
  const sweeps = counter({
    name: 'reactor_auth_sweeps_total',
    help: 'Removals of expired sessions and verification values',
    moves: 'once per finished sweep, hourly',
    unit: 'none',
    labels: { result: SWEEP_RESULTS },
  });
  const activeSessions = observedGauge({
    name: 'reactor_auth_active_sessions',
    help: 'Sessions that have not expired, counted in the database and so the same on every server',
    moves: 'when a session begins, ends or expires',
    unit: 'none',
    aggregator: 'max',
    collect: () => store.countActiveSessions(new Date(clock.now())),
  });
  const keyAge = observedGauge({
    name: 'reactor_auth_jwks_age_seconds',
    help: 'Age of the key that signs access tokens, read from the database; absent while there is none',
    moves: 'with time, back to 0 when a new key is made',
    unit: 'seconds',
    aggregator: 'max',
    async collect() {
      const createdAt = await store.signingKeyCreatedAt(new Date(clock.now()));
      if (createdAt === undefined) return [];
      return [{ labels: {}, value: Math.max(0, (clock.now() - createdAt.getTime()) / 1000) }];
    },
  });
  return {
    ...metricsContributor([
      signIns,
      signUps,
      passwordChanges,
      refreshes,
      issued,
      verifications,
      sweeps,
      activeSessions,
      keyAge,
    ]),
    attempted(kind, error) {
      const { code, status = 200 } = error ?? {};
      const rest = code === 'too_many_requests' ? 'throttled' : status >= 500 ? 'error' : 'rejected';
      if (kind === 'sign_in') {
        const own = code === 'invalid_credentials' || code === 'user_disabled' ? code : rest;
        signIns.child({ result: error === undefined ? 'ok' : own }).inc();
      } else if (kind === 'sign_up') {
        const own = code === 'email_exists' || code === 'weak_password' ? code : rest;
        const result = code === 'signup_disabled' ? 'disabled' : own;
        signUps.child({ result: error === undefined ? 'ok' : result }).inc();
      } else {
        passwordChanges.child({ result: error === undefined ? 'ok' : rest }).inc();
      }
    },
    refreshed(error) {
      const { code, status = 200 } = error ?? {};
      const failed = code === 'user_disabled' ? code : status >= 500 ? 'error' : 'invalid';
      refreshes.child({ result: error === undefined ? 'ok' : failed }).inc();
    },
    issued: (grant) => issued.child({ grant }).inc(),
    verified: (result) => verifications.child({ result }).inc(),
    swept: (result) => sweeps.child({ result }).inc(),
  };
}
