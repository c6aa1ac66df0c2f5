import { type Color, type Paint, printable } from '../text.js';
import type { Check, Diagnosis, Probe, Status } from './doctor.js';

const MARKS: Readonly<Record<Status, readonly [string, Color]>> = {
  ok: ['✔', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✖', 'red'],
};

/** What another failure explains, by its resource: `database` → `storage.migrations`, … */
type Explained = ReadonlyMap<string, readonly string[]>;

/**
 * The diagnosis for people: a line per check, below it what to do. What another failure explains is listed under that
 * one and nowhere else, so that the eye lands on the cause.
 */
export function renderDiagnosis({ checks, server = {} }: Diagnosis, url: string, paint: Paint): string {
  const mark = (status: Status) => paint(MARKS[status][1], MARKS[status][0]);
  const explained = explainedIn(server);
  const causes: Check[] = [];
  const lines = [`Reactor at ${printable(url)}`];

  // The client's own: whether the server could be asked at all.
  for (const check of checks.filter(({ name }) => !(name.includes('.') || name.includes(':')))) {
    lines.push(...renderCheck(check.name, { ...(check.details as object), ...check }, '', mark));
    causes.push(check);
  }
  const roots = Object.values(server)
    .flatMap((subject) => subject.checks)
    .filter(({ status, caused_by }) => status === 'fail' && caused_by === undefined);
  for (const [subject, { status, checks: probes }] of Object.entries(server)) {
    lines.push(`${mark(status)} ${printable(subject)}`);
    for (const probe of probes.filter(({ caused_by }) => caused_by === undefined)) {
      lines.push(...renderCheck(`${subject}.${probe.name}`, probe, '  ', mark));
      causes.push(probe);
      // With several causes, which of them stands for which resource is not said.
      if (roots.length === 1 && probe === roots[0]) lines.push(...renderExplained(explained, '      '));
    }
  }
  if (roots.length !== 1) lines.push(...renderExplained(explained, ''));

  const count = (status: Status) => causes.filter((check) => check.status === status).length;
  const knockOn = [...explained.values()].flat().length;
  const more = knockOn === 0 ? '' : `, ${knockOn} more because of ${printable([...explained.keys()].join(', '))}`;
  lines.push('', `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed${more}`);
  return `${lines.join('\n')}\n`;
}

function renderCheck(
  name: string,
  { status, message, remedy }: Probe,
  indent: string,
  mark: (s: Status) => string,
): string[] {
  const head = `${indent}${mark(status)} ${printable(name)}${message === undefined ? '' : `: ${printable(message)}`}`;
  return remedy === undefined ? [head] : [head, `${indent}    → ${printable(remedy)}`];
}

function explainedIn(server: NonNullable<Diagnosis['server']>): Explained {
  const explained = new Map<string, string[]>();
  for (const [subject, { checks }] of Object.entries(server)) {
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
