import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { type Deployment, FunctionsServer, MOST_DEPLOYMENTS } from './server.js';

/**
 * `reactor functions promote` and `rollback`: which version answers.
 * @param wanted a version, or the id of a deployment; undefined for the newest ready one, or the one before
 */
export async function release(
  client: Client,
  output: Output,
  how: 'promote' | 'rollback',
  name: string,
  wanted: string | undefined,
): Promise<number> {
  const server = new FunctionsServer(client, output.signal);
  const deployments = await server.deployments(name, MOST_DEPLOYMENTS);
  const promotion = await server[how](name, wanted === undefined ? undefined : idOf(wanted, deployments));
  const versionOf = (id: string | null) => deployments.find((one) => one.id === id)?.version;
  const current = versionOf(promotion.current_deployment_id);
  const previous = versionOf(promotion.previous_deployment_id);
  await output.result(promotion, () => {
    const before = previous === undefined || previous === current ? '' : `, version ${previous} did before`;
    return `${name}: version ${current ?? promotion.current_deployment_id} answers${before}\n`;
  });
  return EXIT.ok;
}

function idOf(wanted: string, deployments: readonly Deployment[]): string {
  const [, digits] = /^v?(\d+)$/.exec(wanted) ?? [];
  if (digits === undefined) return wanted;
  const found = deployments.find(({ version }) => version === Number(digits));
  if (found !== undefined) return found.id;
  const versions = deployments.map(({ version }) => version).join(', ');
  throw new CliError('INVALID_ARGUMENT', `there is no version ${digits}`, `There are: ${versions || 'none'}.`);
}
