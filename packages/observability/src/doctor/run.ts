import type { CapabilityContext, CapabilityLabel, DoctorProbe } from '@reactor/core';
import type { DoctorReport } from './report.js';

export interface DoctorSubject {
  readonly name: CapabilityLabel;
  readonly probes: readonly DoctorProbe[];
}

export interface DoctorOptions extends CapabilityContext {
  /** Ends the run early, e.g. because the one who asked is gone. */
  readonly signal?: AbortSignal;
}

/** Runs every probe, providers of a resource before those that depend on it. */
export function runDoctor(_subjects: readonly DoctorSubject[], _options: DoctorOptions): Promise<DoctorReport> {
  throw new Error('not built yet');
}
