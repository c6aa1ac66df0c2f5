import { run } from '../../src/index.js';

/** Pids in the process group, zombies aside: they wait only for whoever inherits them to look. */
export async function membersOf(group: number): Promise<number[]> {
  const { stdout } = await run('/bin/ps', ['-ax', '-o', 'pid=,pgid=,stat='], { env: { LC_ALL: 'C' } });
  return stdout.split('\n').flatMap((line) => {
    const [pid, pgid, state] = line.trim().split(/\s+/);
    return Number(pgid) === group && !state?.startsWith('Z') ? [Number(pid)] : [];
  });
}
