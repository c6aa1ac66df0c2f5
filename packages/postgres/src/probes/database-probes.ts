import { type Database, type DoctorProbe, giveUpOn, type ProbeResult } from '@reactor/core';
import type { Pooler } from '../database/pooler.js';
import type { RequestsLogin } from '../requests-login/requests-login.js';
import { probeConnectionLimit } from './connection-limit.js';
import { probePooler } from './pooler.js';
import { probeRequestsLogin } from './requests-login.js';

export interface ProbedDatabase {
  readonly system: Database;
  readonly requests?: { readonly database: Database; readonly login: RequestsLogin };
  readonly pooler: Pooler;
  /** Whether `database.direct_url` is there. */
  readonly hasDirect: boolean;
  readonly poolMax: number;
}

/** Long enough for a slow network, short enough for someone who waits at a terminal. */
const TIMEOUT_MS = 2_000;

/** What the doctor asks of the connections themselves, whoever uses them. */
export function databaseProbes(probed: ProbedDatabase): readonly DoctorProbe[] {
  const { requests } = probed;
  return [
    ...(requests === undefined
      ? []
      : [probe('requests_login', () => probeRequestsLogin(probed.system, requests.database, requests.login))]),
    probe('pooler', () => probePooler(probed)),
    probe('connection_limit', () => probeConnectionLimit(probed)),
  ];
}

function probe(name: string, run: () => Promise<ProbeResult>): DoctorProbe {
  return { name, timeoutMs: TIMEOUT_MS, dependsOn: ['database'], run: (signal) => giveUpOn(signal, run()) };
}
