import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { printable } from '../../text.js';
import { ACCEPT, DATA_ADMIN, migrationsBody, namesIn, requireData } from './server.js';

const SEE_STATUS = '"reactor db status" shows what is applied.';

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
  if (sent?.migrations.length === 0) output.note(`there are no *.sql files in ${folder}`);
  let body: unknown;
  try {
    ({ body } = requireData(
      client,
      await client.postJson(`${DATA_ADMIN}/migrate${dryRun ? '?dry_run=true' : ''}`, sent, ACCEPT),
    ));
  } catch (error) {
    if (dryRun) throw error;
    // Success is not known, so it must not be told: a deployment would go on.
    if (output.signal.aborted) {
      output.warn(`not waited for; the server may go on. ${SEE_STATUS}`);
      return EXIT.user;
    }
    throw error instanceof CliError ? afterwards(error) : error;
  }
  const [applied, pending] = [namesIn(body, 'applied'), namesIn(body, 'pending')];
  await output.result({ applied, pending }, () =>
    dryRun ? lines('would apply', pending, 'to apply') : lines('applied', applied, 'applied'),
  );
  return EXIT.ok;
}

function lines(verb: string, names: readonly string[], summary: string): string {
  if (names.length === 0) return 'nothing to apply\n';
  return `${names.map((name) => `${verb} ${printable(name)}\n`).join('')}${names.length} ${summary}\n`;
}

/** The files before the one that failed stay applied, and a server that did not answer may be at it. */
function afterwards(error: CliError): CliError {
  const { code, message, hint, exitCode } = error;
  if (exitCode === EXIT.authentication || code === 'CONNECTION_REFUSED') return error;
  if (exitCode === EXIT.network) return new CliError(code, message, `It may still be at it. ${SEE_STATUS}`);
  if (exitCode === EXIT.server) return new CliError(code, message, `${hint ?? ''} ${SEE_STATUS}`.trim());
  return new CliError(code, message, hint ?? SEE_STATUS);
}
