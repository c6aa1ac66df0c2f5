/** `warn`: works, but someone should look. */
export type DiagnosisStatus = 'ok' | 'warn' | 'fail';

/** What one probe found, as it goes over the wire. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: DiagnosisStatus;
  /** For operators; not on every check that passes. */
  readonly message?: string;
  /** The next thing to do; always there when the check does not pass. */
  readonly remedy?: string;
  /** Milliseconds, 0 for a probe that did not run. */
  readonly duration_ms: number;
  /** For scripts. The engine's own: `probe_timeout`, `probe_error`, `dependency_failed`. */
  readonly code?: string;
  /** The resource whose failure explains this one; repair the check that failed for it. */
  readonly caused_by?: string;
}

/** What doctor found about one subject: a capability, or the server. */
export interface CapabilityDiagnosis {
  /** The worst of its checks. */
  readonly status: DiagnosisStatus;
  readonly checks: readonly DoctorCheck[];
}

/** Body of `GET /_admin/doctor`: one entry per subject and nothing else. */
export type DoctorReport = Readonly<Record<string, CapabilityDiagnosis>>;

/** Whether anything fails; warnings do not count. */
export function hasFailure(report: DoctorReport): boolean {
  return Object.values(report).some(({ status }) => status === 'fail');
}
