import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectDirectory } from './support/server.js';
import { until } from './support/until.js';

const ROOT = path.resolve(import.meta.dirname, '..');

test.each(['start', 'dev'])(
  'Ctrl-C on pnpm %s stops the server, and nothing complains',
  { timeout: 180_000 },
  async (script) => {
    const state = path.join(await projectDirectory(), 'state');
    const args = ['-y', 'pnpm@10', script, '--bind', '127.0.0.1:0', '--state-dir', state];
    // A group of its own, as a shell makes one for what it starts in the foreground.
    const npx = spawn('npx', args, { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const group = -Number(npx.pid);
    onTestFinished(() => {
      if (npx.exitCode === null && npx.signalCode === null) process.kill(group, 'SIGKILL');
    });
    let said = '';
    for (const stream of [npx.stdout, npx.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk;
      });
    }
    await until('the banner', async () => (said.includes('is ready after') ? true : undefined), 120_000);
    process.kill(group, 'SIGINT');
    await once(npx, 'close');
    expect(said).toContain('stopped');
    expect(said).not.toContain('ELIFECYCLE');
  },
);
