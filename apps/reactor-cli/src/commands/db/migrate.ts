import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import type { MigrationFile } from '../../project/migration-files.js';
import { ACCEPT, DATA_ADMIN, migrationsBody, namesIn, requireData } from './server.js';

const STATUS = '"reactor db status" shows what is applied';
const OUTCOME_UNKNOWN = `It may still be running. ${STATUS}, "reactor logs --level error --since 5m" what failed.`;

/** A request without a body is wrong only for a server without `data.migrations_dir`. */
const WITH_A_FOLDER = 'reactor db migrate <folder>';

/** Of the answers 5xx, those that come before anything runs. */
const NOTHING_RAN: readonly (string | undefined)[] = ['not_ready', 'migrations_unreadable'];

/** Nothing of the file is kept, and what came before it is. */
const FILE_FAILED: readonly (string | undefined)[] = ['migration_failed', 'migration_blocked'];

/**
 * `reactor db migrate`: applies what is pending, or tries it and undoes it.
 * @param folder absolute; undefined for the files of the server
 */
export async function migrate(
  client: Client,
  output: Output,
  folder: string | undefined,
  { dryRun = false }: { readonly dryRun?: boolean },
): Promise<number> {
  const sent = await migrationsBody(folder);
  let isOnItsWay = false;
  const onSent = () => {
    isOnItsWay = true;
  };
  let body: unknown;
  try {
    ({ body } = requireData(
      client,
      await client.postJson(`${DATA_ADMIN}/migrate${dryRun ? '?dry_run=true' : ''}`, sent, { ...ACCEPT, onSent }),
    ));
  } catch (error) {
    // Success is not known, so it must not be reported: a deployment would go on.
    if (output.signal.aborted && !dryRun) {
      output.warn(isOnItsWay ? `not waited for. ${OUTCOME_UNKNOWN}` : 'stopped before anything was sent');
      return EXIT.user;
    }
    if (!(error instanceof CliError)) throw error;
    const isFolderMissing = sent === undefined && error.refusal?.code === 'invalid_request';
    const outcomeHint = dryRun ? undefined : hintAfter(error, sent?.migrations, isOnItsWay);
    const hint = isFolderMissing ? WITH_A_FOLDER : (outcomeHint ?? error.hint);
    throw new CliError(error.code, error.message, hint, error.refusal);
  }
  const [applied, pending] = [namesIn(body, 'applied'), namesIn(body, 'pending')];
  const hasUntried = (body as { readonly untried?: unknown }).untried !== undefined;
  const untried = hasUntried ? namesIn(body, 'untried') : [];
  const warnings = warningsIn(body);
  for (const { file, line, message } of warnings) output.warn(`${file}:${line}: ${message}`);
  const rest = { ...(hasUntried ? { untried } : {}), ...(warnings.length === 0 ? {} : { warnings }) };
  await output.result({ applied, pending, ...rest }, () =>
    dryRun ? `${lines('would apply', pending, 'to apply')}${notTried(untried)}` : lines('applied', applied, 'applied'),
  );
  return EXIT.ok;
}

interface Warning {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Of the migrations that were applied or tried; an older server gives none. */
function warningsIn(body: unknown): readonly Warning[] {
  return (body as { readonly warnings?: readonly Warning[] }).warnings ?? [];
}

function lines(verb: string, names: readonly string[], summary: string): string {
  if (names.length === 0) return 'nothing to apply\n';
  return `${names.map((name) => `${verb} ${printable(name)}\n`).join('')}${names.length} ${summary}\n`;
}

function notTried(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `not tried: ${names.map(printable).join(', ')}. The first runs without a transaction and could not be undone.\n`;
}

/** What to do about `error`, where what the server did matters to that. */
function hintAfter(
  { exitCode, hint, refusal }: CliError,
  migrations: readonly MigrationFile[] | undefined,
  isOnItsWay: boolean,
): string | undefined {
  if (exitCode === EXIT.network) return isOnItsWay ? OUTCOME_UNKNOWN : undefined;
  if (refusal === undefined) return undefined;
  const { status, code, details } = refusal;
  if (FILE_FAILED.includes(code)) return hasEarlier(migrations, details) ? `${STATUS}.` : undefined;
  if (status >= 500 && !NOTHING_RAN.includes(code)) return hint === undefined ? OUTCOME_UNKNOWN : `${hint} ${STATUS}.`;
  return undefined;
}

/** Whether others came before the file that failed; they stay applied. */
function hasEarlier(migrations: readonly MigrationFile[] | undefined, details: unknown): boolean {
  const file = (details as { readonly file?: unknown } | null | undefined)?.file;
  if (typeof file !== 'string') return false;
  // The server runs its own files too, which are not known here.
  return migrations === undefined || migrations.some(({ name }) => name < file.slice(0, -'.sql'.length));
}
