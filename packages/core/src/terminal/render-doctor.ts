import type { DiagnosisStatus, DoctorCheck, DoctorReport } from '../doctor-report.js';
import { printable } from './printable.js';

/** Colours text where it can be seen. */
export type PaintStatus = (color: 'green' | 'yellow' | 'red', text: string) => string;

/** A line of the text: what was looked at, and how it is. */
export type DoctorLine = Pick<DoctorCheck, 'name' | 'status' | 'message' | 'remedy'>;

/** What differs between the programs that print a report. Without `paint` the text has no colors. */
export interface DoctorTextOptions {
  /** Checks of the program that prints, before those of the report. */
  readonly first?: readonly DoctorLine[];
  readonly paint?: PaintStatus;
}

const MARKS: Readonly<Record<DiagnosisStatus, readonly ['green' | 'yellow' | 'red', string]>> = {
  ok: ['green', '✔'],
  warn: ['yellow', '!'],
  fail: ['red', '✖'],
};

/** What another failure explains, by its resource: `database` → `storage.migrations`, … */
type Explained = ReadonlyMap<string, readonly string[]>;

/**
 * The report for people: a line per check, below it what to do, and a last line that sums up. What another failure
 * explains is listed under that one and nowhere else, so that the eye lands on the cause.
 */
export function renderDoctorReport(
  report: DoctorReport,
  { first = [], paint = (_, text) => text }: DoctorTextOptions = {},
): string {
  const mark = (status: DiagnosisStatus) => paint(...MARKS[status]);
  const explained = explainedIn(report);
  const causes: DoctorLine[] = [...first];
  const lines = first.flatMap((check) => renderCheck(check.name, check, '', mark));
  const roots = Object.values(report)
    .flatMap(({ checks }) => checks)
    .filter(({ status, caused_by }) => status === 'fail' && caused_by === undefined);
  for (const [subject, { status, checks }] of Object.entries(report)) {
    lines.push(`${mark(status)} ${printable(subject)}`);
    for (const check of checks.filter(({ caused_by }) => caused_by === undefined)) {
      lines.push(...renderCheck(`${subject}.${check.name}`, check, '  ', mark));
      causes.push(check);
      // With several causes, the report does not say which of them explains which resource.
      if (roots.length === 1 && check === roots[0]) lines.push(...renderExplained(explained, '      '));
    }
  }
  if (roots.length !== 1) lines.push(...renderExplained(explained, ''));

  const count = (status: DiagnosisStatus) => causes.filter((check) => check.status === status).length;
  const knockOn = [...explained.values()].flat().length;
  const more = knockOn === 0 ? '' : `, ${knockOn} more because of ${printable([...explained.keys()].join(', '))}`;
  lines.push('', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed${more}`);
  return `${lines.join('\n')}\n`;
}

function renderCheck(
  name: string,
  { status, message, remedy }: DoctorLine,
  indent: string,
  mark: (status: DiagnosisStatus) => string,
): string[] {
  const head = `${indent}${mark(status)} ${printable(name)}${message === undefined ? '' : `: ${printable(message)}`}`;
  return remedy === undefined ? [head] : [head, `${indent}    → ${printable(remedy)}`];
}

function explainedIn(report: DoctorReport): Explained {
  const explained = new Map<string, string[]>();
  for (const [subject, { checks }] of Object.entries(report)) {
    for (const { name, caused_by } of checks) {
      if (caused_by === undefined) continue;
      explained.set(caused_by, [...(explained.get(caused_by) ?? []), `${subject}.${name}`]);
    }
  }
  return explained;
}

function renderExplained(explained: Explained, indent: string): string[] {
  return [...explained].map(
    ([cause, names]) => `${indent}↳ because of ${printable(cause)}: ${printable(names.join(', '))}`,
  );
}
