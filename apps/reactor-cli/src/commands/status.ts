import { printable } from '@reactor/core/terminal';
import { parseServerUrl } from '../connection.js';
import { CliError, EXIT } from '../errors.js';
import type { Client } from '../http/client.js';
import type { Output } from '../output.js';
import type { LockedBy } from '../project/lock-file.js';
import { formatDuration, NO_CAPABILITY } from '../text.js';
import { failures, fetchHealth, type HealthAnswer } from './health.js';

/** `reactor status`: whether a server runs, since when, and how it is. Not running is an answer, not an error. */
export async function status(client: Client, output: Output): Promise<number> {
  const { url, project } = client.connection;
  const lock = project?.lock?.alive === true && isOf(url, project.lock) ? project.lock : undefined;
  let answer: HealthAnswer | undefined;
  let problem: string | undefined;
  try {
    answer = await fetchHealth(client);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    problem = error.message;
  }
  if (answer === undefined && lock === undefined) {
    const message = problem ?? `no server listens on ${url.origin}`;
    await output.result({ running: false, url: url.origin, message }, () => `not running: ${printable(message)}\n`);
    return EXIT.ok;
  }
  const uptime = lock === undefined ? undefined : Math.max(0, (Date.now() - Date.parse(lock.startedAt)) / 1000);
  const data = {
    running: true,
    url: url.origin,
    ...(lock === undefined ? {} : { pid: lock.pid, started_at: lock.startedAt }),
    ...(uptime === undefined ? {} : { uptime: formatDuration(uptime), uptime_seconds: Math.round(uptime) }),
    ...(project === undefined || lock === undefined ? {} : { state_dir: project.stateDirectory }),
    ...(answer === undefined ? { message: problem } : { health: answer }),
  };
  await output.result(data, () => {
    const rows: [string, string][] = [['url', data.url]];
    if (lock !== undefined) rows.push(['pid', String(lock.pid)], ['uptime', formatDuration(uptime ?? 0)]);
    if (data.state_dir !== undefined) rows.push(['state', data.state_dir]);
    rows.push(['health', answer === undefined ? `unknown: ${problem}` : summary(answer)]);
    return `running\n${rows.map(([name, value]) => `  ${name.padEnd(8)}${printable(value)}\n`).join('')}`;
  });
  return EXIT.ok;
}

/** Whether the lock found on disk is about the server that is asked: `--url` may mean another one. */
function isOf(url: URL, lock: LockedBy): boolean {
  return lock.url === undefined || parseServerUrl(lock.url).host === url.host;
}

function summary(answer: HealthAnswer): string {
  if (answer.status !== 'ok') return `failing (${failures(answer).join('; ')})`;
  return `ok (${Object.keys(answer.capabilities).join(', ') || NO_CAPABILITY})`;
}
