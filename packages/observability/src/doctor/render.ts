import type { DoctorReport } from './report.js';

/** The report as text for a terminal. */
export function renderDoctorReport(_report: DoctorReport): string {
  throw new Error('not built yet');
}
