import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { folderChanges } from '../../project/watch.js';
import { followLogs } from '../logs-follow.js';
import { deployFolder, nameOf, tellLeftOut } from './deploy.js';
import { viewOf } from './logs.js';
import { callPath } from './server.js';

/**
 * `reactor functions dev`: deploys a folder now and at each change, and follows the log of its function until Ctrl-C. What
 * is wrong with the code or the folder is shown, and repaired by the next change.
 * @param folder absolute
 */
export async function dev(
  client: Client,
  output: Output,
  folder: string,
  options: { readonly name?: string },
): Promise<number> {
  const name = nameOf(folder, options.name);
  const over = new AbortController();
  const changes = folderChanges(folder, AbortSignal.any([output.signal, over.signal]));
  try {
    // It watches from here on, so that no change is lost while the first deploy runs.
    await changes.next();
    await attempt(client, output, { folder, name, isFirst: true });
    // No kept lines: they are of earlier runs.
    const query = new URLSearchParams({ capability: 'functions', limit: '0' });
    await Promise.all([
      followLogs(client, output, query, viewOf(name)),
      (async () => {
        for await (const _ of changes) await attempt(client, output, { folder, name, isFirst: false });
      })(),
    ]);
    return EXIT.ok;
  } finally {
    over.abort();
  }
}

/** Deploys once. Only the first one fails when the server cannot be asked: later ones may meet one that starts again. */
async function attempt(
  client: Client,
  output: Output,
  { folder, name, isFirst }: { readonly folder: string; readonly name: string; readonly isFirst: boolean },
): Promise<void> {
  const started = performance.now();
  try {
    const { deployment, previousDeploymentId, leftOut } = await deployFolder(client, output, {
      folder,
      name,
      promote: true,
    });
    if (isFirst) tellLeftOut(output, leftOut);
    // A file was written with the text it had.
    else if (previousDeploymentId === deployment.id) return;
    const url = client.urlOf(callPath(name)).href;
    const human = `${name}: version ${deployment.version} answers at ${url} (${Math.round(performance.now() - started)} ms)\n`;
    await output.text(output.format === 'human' ? human : `${JSON.stringify({ deployment, url })}\n`);
  } catch (error) {
    if (output.signal.aborted || !(error instanceof CliError)) throw error;
    if (isFirst && !isOfFolder(error)) throw error;
    output.error(error);
  }
}

/** Whether another text of the files may help. */
function isOfFolder({ code, refusal }: CliError): boolean {
  return code === 'INVALID_ARGUMENT' || refusal?.code === 'bundle_invalid' || refusal?.status === 413;
}
