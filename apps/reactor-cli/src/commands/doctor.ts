import {
  type DiagnosisStatus,
  type DoctorLine,
  type DoctorReport,
  printable,
  renderDoctorReport,
} from '@reactor/core/terminal';
import { CliError, EXIT } from '../errors.js';
import type { Client } from '../http/client.js';
import type { Output } from '../output.js';
import { failures, fetchHealth } from './health.js';

/** One line of the diagnosis: `server`, `capability:storage`, `storage.fs_writable`. */
export interface Check {
  readonly name: string;
  readonly status: DiagnosisStatus;
  readonly details?: unknown;
}

/** What `reactor doctor` found. */
export interface Diagnosis {
  readonly checks: readonly Check[];
  readonly summary: Readonly<Record<'total' | DiagnosisStatus, number>>;
  /** The server's report as it came. */
  readonly server?: DoctorReport;
}

/** `reactor doctor`: what is wrong and what to do about it. Exit code 5 when something fails. */
export async function doctor(client: Client, output: Output): Promise<number> {
  const { checks, report, exitCode } = await examine(client);
  const count = (status: DiagnosisStatus) => checks.filter((check) => check.status === status).length;
  const diagnosis: Diagnosis = {
    checks,
    summary: { total: checks.length, ok: count('ok'), warn: count('warn'), fail: count('fail') },
    ...(report === undefined ? {} : { server: report }),
  };
  await output.result(
    diagnosis,
    () => `Reactor at ${printable(client.connection.url.origin)}\n${render(diagnosis, output)}`,
    exitCode === 0,
  );
  return exitCode;
}

function render({ checks, server = {} }: Diagnosis, { paint }: Output): string {
  // The client's own: whether the server could be asked at all, and what its health says.
  const own = checks.filter(({ name }) => !(name.includes('.') || name.includes(':')));
  const first = own.flatMap((check): DoctorLine[] => {
    const line = { ...(check.details as object | undefined), ...check };
    if (check.name !== 'server' || server.server === undefined) return [line];
    // The report has a line of that name: where it could be asked, that one says so.
    return check.status === 'ok' ? [] : [{ ...line, name: 'health' }];
  });
  return renderDoctorReport(server, { first, paint });
}

interface Examination {
  readonly checks: readonly Check[];
  readonly report?: DoctorReport;
  readonly exitCode: number;
}

async function examine(client: Client): Promise<Examination> {
  let server: Check;
  try {
    const answer = await fetchHealth(client);
    server =
      answer.status === 'ok'
        ? { name: 'server', status: 'ok' }
        : {
            name: 'server',
            status: 'fail',
            details: { message: failures(answer).join('; '), failing: answer.failing },
          };
  } catch (error) {
    return unanswered('server', error, []);
  }
  try {
    const { body } = await client.getJson('/_admin/doctor');
    const report = asReport(body);
    const checks = [server, ...Object.entries(report).flatMap(([subject, found]) => checksOf(subject, found))];
    return { checks, report, exitCode: checks.some(({ status }) => status === 'fail') ? EXIT.server : EXIT.ok };
  } catch (error) {
    return unanswered('server_doctor', error, [server]);
  }
}

/** Not being able to ask is a finding too; the exit code says of which kind. */
function unanswered(name: string, error: unknown, before: readonly Check[]): Examination {
  if (!(error instanceof CliError)) throw error;
  const { message, hint, code } = error;
  const details = { message, code, ...(hint === undefined ? {} : { remedy: hint }) };
  return { checks: [...before, { name, status: 'fail', details }], exitCode: error.exitCode };
}

function checksOf(subject: string, { status, checks }: DoctorReport[string]): Check[] {
  return [
    { name: `capability:${subject}`, status },
    ...checks.map(({ name, status: found, ...details }) => ({
      name: `${subject}.${name}`,
      status: found,
      ...(Object.keys(details).length === 0 ? {} : { details }),
    })),
  ];
}

function asReport(body: unknown): DoctorReport {
  const isReport =
    typeof body === 'object' &&
    body !== null &&
    Object.values(body).every((entry) => Array.isArray((entry as { checks?: unknown } | null)?.checks));
  if (!isReport) throw new CliError('SERVER_ERROR', 'the server answered something that is not a doctor report');
  return body as DoctorReport;
}
