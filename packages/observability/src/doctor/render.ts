import type { DiagnosisStatus, DoctorCheck, DoctorReport } from './report.js';

const MARKS: Readonly<Record<DiagnosisStatus, string>> = { ok: '✔', warn: '!', fail: '✖' };

/**
 * The report as text for a terminal: a line per check, below it what to do, and a last line that sums up. What another
 * failure explains is only named, so that the eye lands on the cause.
 */
export function renderDoctorReport(report: DoctorReport): string {
  const lines: string[] = [];
  const counts: Record<DiagnosisStatus, number> = { ok: 0, warn: 0, fail: 0 };
  let explained = 0;
  for (const [subject, { status, checks }] of Object.entries(report)) {
    lines.push(`${MARKS[status]} ${subject}`);
    for (const check of checks) {
      lines.push(...renderCheck(check));
      if (check.caused_by === undefined) counts[check.status]++;
      else explained++;
    }
  }
  const more = explained === 0 ? '' : ` (and ${explained} that they explain)`;
  lines.push('', `${counts.ok} ok, ${counts.warn} to look at, ${counts.fail} failed${more}`);
  return `${lines.join('\n')}\n`;
}

function renderCheck({ name, status, message, remedy, caused_by }: DoctorCheck): string[] {
  if (caused_by !== undefined) return [`  ↳ ${name}: because of ${printable(caused_by)}`];
  const head = `  ${MARKS[status]} ${name}${message === undefined ? '' : `: ${printable(message)}`}`;
  return remedy === undefined ? [head] : [head, `      → ${printable(remedy)}`];
}

/** A message may quote what came from elsewhere; it must not move the cursor or start lines of its own. */
function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
