import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import { brokenOff } from '../../http/failures.js';
import type { Output } from '../../output.js';
import { writeIfChanged } from '../../project/files.js';
import { ACCEPT, DATA_ADMIN, requireData } from './server.js';

/**
 * `reactor db types`: the tables and functions as TypeScript, on standard output or in a file.
 * @param file absolute
 */
export async function types(client: Client, output: Output, file: string | undefined): Promise<number> {
  const typescript = await fetchTypes(client);
  if (file !== undefined) {
    const changed = await writeIfChanged(file, typescript);
    await output.result({ file, changed }, () => `${printable(file)} ${changed ? 'written' : 'is up to date'}\n`);
  } else if (output.format === 'human' || !output.chosen) {
    // A pipe or a redirection wants the source itself.
    await output.text(typescript);
  } else {
    await output.result({ typescript }, () => typescript);
  }
  return EXIT.ok;
}

async function fetchTypes(client: Client): Promise<string> {
  const { origin } = client.connection.url;
  const response = requireData(client, await client.get(`${DATA_ADMIN}/types/typescript`, ACCEPT));
  if (!response.headers.get('Content-Type')?.startsWith('text/typescript')) {
    throw new CliError('SERVER_ERROR', `${origin} answered something that is not TypeScript`);
  }
  try {
    return await response.text();
  } catch (error) {
    throw brokenOff(client.connection, error);
  }
}
