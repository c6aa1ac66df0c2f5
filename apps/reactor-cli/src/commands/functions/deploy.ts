import { basename } from 'node:path';
import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { listBundle, packBundle } from '../../project/bundle.js';
import { formatBytes } from '../../text.js';
import { callPath, type Deployment, FunctionsServer, functionName } from './server.js';

/** So often a person can see it move. */
const PROGRESS_MS = 100;

/** Names of what is left out, before only their number is said. */
const SHOWN_LEFT_OUT = 5;

/** What came of a deploy. */
export interface Deployed {
  readonly deployment: Deployment;
  /** False when the server had the same bundle already. */
  readonly isNew: boolean;
  /** Unset when it was not promoted. */
  readonly previousDeploymentId?: string | null;
  readonly leftOut: readonly string[];
}

/**
 * The name of the function in a folder: that of the folder, where no other is given.
 * @throws CliError `INVALID_ARGUMENT`
 */
export function nameOf(folder: string, given: string | undefined): string {
  if (given !== undefined) return functionName(given);
  try {
    return functionName(basename(folder));
  } catch (error) {
    const { code, message, hint } = error as CliError;
    throw new CliError(code, message, `${hint} Say another one with --name.`);
  }
}

/**
 * `reactor functions deploy`: packs a folder, sends it, and has it answer from then on.
 * @param folder absolute
 */
export async function deploy(
  client: Client,
  output: Output,
  folder: string,
  options: { readonly name?: string; readonly promote: boolean },
): Promise<number> {
  const name = nameOf(folder, options.name);
  const { deployment, isNew, previousDeploymentId, leftOut } = await deployFolder(client, output, {
    folder,
    name,
    promote: options.promote,
  });
  tellLeftOut(output, leftOut);
  const url = client.urlOf(callPath(name)).href;
  const promoted = previousDeploymentId !== undefined;
  const data = {
    function: name,
    deployment,
    created: isNew,
    promoted,
    ...(promoted ? { previous_deployment_id: previousDeploymentId } : {}),
    left_out: leftOut,
    url,
  };
  await output.result(data, () => {
    const { version } = deployment;
    const same = isNew ? '' : ': the server had this bundle already';
    if (!promoted) {
      return `${name}: version ${version} is ready${same}\n  answer with it: reactor functions promote ${name} ${version}\n`;
    }
    return `${name}: version ${version} answers${same}\n  call it: reactor functions invoke ${name}\n  or at:   ${printable(url)}\n`;
  });
  return EXIT.ok;
}

/**
 * Makes the function when it is missing, and sends the folder as a new version.
 * @throws CliError with `problems` when the server refuses the bundle
 */
export async function deployFolder(
  client: Client,
  output: Output,
  { folder, name, promote }: { readonly folder: string; readonly name: string; readonly promote: boolean },
): Promise<Deployed> {
  const server = new FunctionsServer(client, output.signal);
  const bundle = await listBundle(folder);
  await server.ensure(name);

  // What goes wrong with a file on its way is not what `fetch` says it is.
  let failure: unknown;
  async function* sending(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    let shownAt = Number.NEGATIVE_INFINITY;
    try {
      for await (const chunk of packBundle(bundle)) {
        yield chunk;
        bytes += chunk.length;
        if (performance.now() - shownAt < PROGRESS_MS) continue;
        shownAt = performance.now();
        output.progress(`sending ${name}: ${formatBytes(bytes)}`);
      }
      output.progress(`sent ${formatBytes(bytes)} of ${name}, which the server builds and checks now`);
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const archive = sending();
  try {
    const { deployment, isNew } = await server.deploy(name, archive);
    const deployed = { deployment, isNew, leftOut: bundle.leftOut };
    if (!promote) return deployed;
    const { previous_deployment_id: previousDeploymentId } = await server.promote(name, deployment.id);
    return { ...deployed, previousDeploymentId };
  } catch (error) {
    throw failure ?? error;
  } finally {
    // An answer that came early leaves a file open otherwise.
    await archive.return(undefined);
    output.progress('');
  }
}

/** Says what stayed on this machine. */
export function tellLeftOut(output: Output, leftOut: readonly string[]): void {
  if (leftOut.length === 0) return;
  const more = leftOut.length - SHOWN_LEFT_OUT;
  output.note(`left out: ${leftOut.slice(0, SHOWN_LEFT_OUT).join(', ')}${more > 0 ? ` and ${more} more` : ''}`);
}
