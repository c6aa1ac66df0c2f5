/** Requests without a token run under it. */
export const ANONYMOUS_ROLE = 'reactor_anon';
/** Requests of signed-in users run under it. */
export const USER_ROLE = 'reactor_authenticated';
/** PostgreSQL roles that requests run under, and that policies are written for. */
export const REQUEST_ROLES = [ANONYMOUS_ROLE, USER_ROLE] as const;
/** The schema of the functions that policies ask, and that end a request. */
export const POLICY_SCHEMA = 'auth';
