import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../errors.js';
import type { Client } from '../http/client.js';
import type { Output } from '../output.js';
import { NO_CAPABILITY } from '../text.js';
import { cliVersion } from '../version.js';

interface ServerVersion {
  readonly url: string;
  readonly version: string;
  readonly capabilities: Readonly<Record<string, string>>;
}

/** `reactor version`: ours always, the server's when it tells. A server that does not is not a failure. */
export async function version(client: Client, output: Output): Promise<number> {
  const cli = { version: cliVersion() };
  const server = await serverVersion(client, output);
  await output.result({ cli, ...(server === undefined ? {} : { server }) }, () => {
    const lines = [`reactor-cli ${cli.version}`];
    if (server !== undefined) {
      const parts = Object.entries(server.capabilities).map(([name, release]) => `${name} ${release}`);
      lines.push(printable(`server ${server.version} at ${server.url} (${parts.join(', ') || NO_CAPABILITY})`));
    }
    return `${lines.join('\n')}\n`;
  });
  if (server !== undefined) compare(cli.version, server.version, output);
  return EXIT.ok;
}

async function serverVersion(client: Client, output: Output): Promise<ServerVersion | undefined> {
  try {
    const { body } = await client.getJson('/_admin/version', { retry: false });
    const { reactor, capabilities } = body as { reactor?: unknown; capabilities?: Record<string, string> };
    if (typeof reactor !== 'string') return undefined;
    return { url: client.connection.url.origin, version: reactor, capabilities: capabilities ?? {} };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    output.note(`server: ${error.message}`);
    return undefined;
  }
}

function compare(ours: string, theirs: string, output: Output): void {
  const [major, minor] = ours.split('.');
  const [theirMajor, theirMinor] = theirs.split('.');
  if (major !== theirMajor) output.note(`warning: this command line is made for servers ${major}.x`);
  else if (minor !== theirMinor) output.note(`note: the server is ${theirs}, this command line ${ours}`);
}
