import type { DoctorProbe } from '@reactor/core';
import type { DoctorCheck } from './report.js';

/** A probe on its way to a check. */
export interface ProbeTask {
  readonly probe: DoctorProbe;
  /** `auth/db_ping` */
  readonly label: string;
  check?: DoctorCheck;
}
