import type { DoctorCheck, DoctorProbe } from '@reactor/core';

/** A probe on its way to a check. */
export interface ProbeTask {
  readonly probe: DoctorProbe;
  /** `auth/db_ping` */
  readonly label: string;
  check?: DoctorCheck;
}
