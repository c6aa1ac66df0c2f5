import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { ask, isInteractive } from '../../prompt.js';
import { FunctionsServer } from './server.js';

/** `reactor functions delete`: asks on a terminal, and needs `--yes` elsewhere. */
export async function deleteFunction(
  client: Client,
  output: Output,
  io: Io,
  name: string,
  { yes = false }: { readonly yes?: boolean },
): Promise<number> {
  const server = new FunctionsServer(client, output.signal);
  await server.get(name);
  if (!yes) {
    if (!isInteractive(io)) {
      throw new CliError('MISSING_ARGUMENT', 'nobody can be asked here', `reactor functions delete ${name} --yes`);
    }
    const answer = await ask(io, `Delete ${name} with all its versions and variables? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) {
      await output.result({ deleted: null }, () => `${name} stays\n`, false);
      return EXIT.user;
    }
  }
  await server.remove(name);
  await output.result({ deleted: name }, () => `${name} deleted\n`);
  return EXIT.ok;
}
