/** `warn`: works, but someone should look. */
export type DiagnosisStatus = 'ok' | 'warn' | 'fail';

/** What one probe found, as it goes over the wire. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: DiagnosisStatus;
  readonly message?: string;
  readonly remedy?: string;
  readonly duration_ms: number;
  readonly code?: string;
  /** The resource whose failure explains this one; the check that failed for it is the one to mend. */
  readonly caused_by?: string;
}

export interface CapabilityDiagnosis {
  /** The worst of its checks. */
  readonly status: DiagnosisStatus;
  readonly checks: readonly DoctorCheck[];
}

/** Body of `GET /_admin/doctor`: one entry per subject and nothing else. */
export type DoctorReport = Readonly<Record<string, CapabilityDiagnosis>>;
