import type { Database } from '@reactor/core';
import type { Pooler } from '../database/pooler.js';
import type { RequestsLogin } from '../requests-login/requests-login.js';

/** The pool for callers, and the login that it runs on. */
export interface ProbedRequests {
  readonly database: Database;
  readonly login: RequestsLogin;
}

/** What the probes of the connections look at. */
export interface ProbedDatabase {
  readonly system: Database;
  readonly requests?: ProbedRequests;
  readonly pooler: Pooler;
  /** What `database.direct_url` leads to. */
  readonly direct: Database | undefined;
  readonly poolMax: number;
}
