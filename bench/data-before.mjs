// Another commit of this repository, built beside it, for `data.mjs --against`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

/**
 * Checks `commit` out into a temporary worktree and builds there what data needs. It is removed when this process ends,
 * however that is, but for a kill.
 * @returns URL of its bench folder, with a slash at the end
 * @throws Error when there is no such commit, or it does not build
 */
export function buildBefore(commit) {
  const folder = mkdtempSync(join(tmpdir(), 'reactor-before-'));
  const worktree = join(folder, 'reactor');
  process.once('exit', () => {
    run('git', ['worktree', 'remove', '--force', worktree], REPOSITORY, 'ignore');
    rmSync(folder, { recursive: true, force: true });
    run('git', ['worktree', 'prune'], REPOSITORY, 'ignore');
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
  run('git', ['worktree', 'add', '--detach', worktree, commit], REPOSITORY);
  const pnpm = (...args) => run('npx', ['--yes', 'pnpm@10', ...args], worktree);
  pnpm('install', '--frozen-lockfile', '--prefer-offline');
  pnpm('exec', 'tsc', '-b', 'packages/data', 'packages/postgres');
  return pathToFileURL(join(worktree, 'bench/'));
}

/** Its output goes to stderr: stdout is for the table. */
function run(command, args, cwd, output = process.stderr) {
  try {
    execFileSync(command, args, { cwd, stdio: ['ignore', output, output] });
  } catch (error) {
    if (output !== 'ignore') throw new Error(`${command} ${args.join(' ')}: ${error.message}`);
  }
}
