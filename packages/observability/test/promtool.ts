import { spawnSync } from 'node:child_process';

/** What `promtool check metrics` has to say about an exposition: empty when it finds nothing to complain of. */
export function promtoolCheck(exposition: string): string {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposition,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return `${stdout}${stderr}${status === 0 ? '' : `exit ${status}`}`;
}
