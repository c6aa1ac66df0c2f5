import { type DoctorProbe, databaseProbe, type ProbeResult, type QueryOptions } from '@reactor/core';
import { probeConnectionLimit } from './connection-limit.js';
import { probePooler } from './pooler.js';
import type { ProbedDatabase } from './probed.js';
import { probeRequestsLogin } from './requests-login.js';

/** Long enough for a slow network, short enough for someone who waits at a terminal. */
const TIMEOUT_MS = 2_000;

/** What the doctor asks of the connections themselves. */
export function databaseProbes(probed: ProbedDatabase): readonly DoctorProbe[] {
  const { system, requests } = probed;
  const probe = (name: string, run: (query: QueryOptions) => Promise<ProbeResult>) =>
    databaseProbe({ name, timeoutMs: TIMEOUT_MS, database: system, run: (signal) => run({ signal }) });
  return [
    ...(requests === undefined
      ? []
      : [probe('requests_login', (query) => probeRequestsLogin(probed, requests, query))]),
    probe('pooler', (query) => probePooler(probed, query)),
    probe('connection_limit', (query) => probeConnectionLimit(probed, query)),
  ];
}
