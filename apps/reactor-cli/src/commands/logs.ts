import { CAPABILITY_NAMES, CAPABILITY_WORDS } from '@reactor/core/terminal';
import { CliError, EXIT } from '../errors.js';
import type { Client } from '../http/client.js';
import { eventStream, readEvents } from '../http/sse.js';
import type { Output } from '../output.js';
import { followLogs } from './logs-follow.js';
import { ALL_LINES, type LogView } from './logs-format.js';

export interface LogsOptions {
  readonly capability?: string;
  readonly since?: string;
  readonly level?: string;
  readonly requestId?: string;
  readonly target?: string;
  readonly user?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

/**
 * `reactor logs`: the lines the server keeps, with `--follow` the live ones after them.
 * @param word the capability as an argument instead of `--capability`
 */
export async function logs(
  client: Client,
  output: Output,
  word: string | undefined,
  options: LogsOptions,
): Promise<number> {
  return showLogs(client, output, logQuery(word, options), { follow: options.follow === true });
}

/** Prints what the server answers to `query`, and with `follow` goes on until the user stops it. */
export async function showLogs(
  client: Client,
  output: Output,
  query: URLSearchParams,
  { follow, view = ALL_LINES }: { readonly follow: boolean; readonly view?: LogView },
): Promise<number> {
  if (follow) {
    await followLogs(client, output, query, view);
    return EXIT.ok;
  }
  const response = await client.get(`/_admin/logs?${query}`);
  const lines: string[] = [];
  // Into a pipe go lines that `grep` and `jq -c` can take one by one, unless the envelope was asked for.
  const format = output.format === 'json' && !output.chosen ? 'raw' : output.format;
  for await (const event of readEvents(eventStream(response))) {
    if (event?.type === 'log') {
      if (!view.shows(event.data)) continue;
      // The envelope closes over all of them; every other form is printed as it comes.
      if (format === 'json') lines.push(event.data);
      else await output.text(format === 'raw' ? `${event.data}\n` : view.format(event.data, output.paint));
    } else if (event?.type === 'error') {
      throw new CliError('SERVER_ERROR', `the log stream ended early: ${event.data}`);
    }
  }
  if (format === 'json') {
    await output.result(
      lines.map((line) => JSON.parse(line)),
      () => '',
    );
  }
  return EXIT.ok;
}

/** @throws CliError `INVALID_ARGUMENT` for a capability that does not exist; the server checks the rest */
function logQuery(word: string | undefined, options: LogsOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (word !== undefined && options.capability !== undefined && word !== options.capability) {
    throw new CliError('INVALID_ARGUMENT', `two capabilities: ${word} and ${options.capability}`, 'Leave one out.');
  }
  const wanted = (options.capability ?? word)?.toLowerCase();
  if (wanted !== undefined && wanted !== 'all') {
    const capability = Object.hasOwn(CAPABILITY_WORDS, wanted) ? CAPABILITY_WORDS[wanted] : undefined;
    if (capability === undefined) {
      const known = [...CAPABILITY_NAMES, 'all'].join(', ');
      throw new CliError('INVALID_ARGUMENT', `there is no capability ${JSON.stringify(wanted)}`, `Accepted: ${known}.`);
    }
    query.set('capability', capability);
  }
  const parameters = {
    since: options.since,
    level: options.level,
    request_id: options.requestId,
    target: options.target,
    sub: options.user,
    limit: options.limit,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  return query;
}
