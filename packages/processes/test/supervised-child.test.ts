import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { chooseAccount, findOwner, SupervisedChild, type SuperviseOptions } from '../src/index.js';
import { parentOf } from '../src/process-table.js';
import { membersOf } from './support/group.js';

const PATIENCE = { timeout: 15_000, interval: 20 };
const env = { PATH: '/usr/bin:/bin' };

/** A child of the running test, with what it writes. */
function supervise(options: Partial<SuperviseOptions> & Pick<SuperviseOptions, 'args'>) {
  const lines: string[] = [];
  const child = new SupervisedChild({
    kind: 'toy',
    program: '/bin/sh',
    env,
    endBy: [],
    onLine: (line, stream) => lines.push(stream === 'stdout' ? line : `! ${line}`),
    ...options,
  });
  onTestFinished(() => child.kill());
  return { child, lines, said: (line: string) => vi.waitFor(() => expect(lines).toContain(line), PATIENCE) };
}

const sh = (script: string, options: Partial<SuperviseOptions> = {}) => supervise({ args: ['-c', script], ...options });

/** The process group of the child that says its pid as `pid <pid>`. */
async function groupOf(lines: readonly string[]): Promise<number> {
  const pid = await vi.waitFor(
    () => Number(lines.find((line) => line.startsWith('pid '))?.slice(4) ?? fail()),
    PATIENCE,
  );
  return (await parentOf(pid)) ?? fail();
}

function fail(): never {
  throw new Error('not yet');
}

/** A child may write before the watcher beside it and the shell is there. */
const hasWatcher = (group: number) =>
  vi.waitFor(async () => expect((await membersOf(group)).length).toBeGreaterThanOrEqual(3), PATIENCE);

const isGone = (group: number) => vi.waitFor(async () => expect(await membersOf(group)).toEqual([]), PATIENCE);

test('its process id is known, whatever it says itself', async () => {
  const { child, said } = sh('echo "pid $$"; exec sleep 100');
  await said(`pid ${await vi.waitFor(() => child.pid ?? fail(), PATIENCE)}`);
});

describe('how it ended', () => {
  test.each([
    ['exit 0', { exitCode: 0, signal: null, how: 'exit code 0' }],
    ['exit 7', { exitCode: 7, signal: null, how: 'exit code 7' }],
    ['exit 128', { exitCode: 128, signal: null, how: 'exit code 128' }],
    ['exit 193', { exitCode: 193, signal: null, how: 'exit code 193' }],
    ['exit 255', { exitCode: 255, signal: null, how: 'exit code 255' }],
    ['kill -TERM $$', { exitCode: null, signal: 'SIGTERM', how: 'signal SIGTERM' }],
    ['kill -SEGV $$', { exitCode: null, signal: 'SIGSEGV', how: 'signal SIGSEGV' }],
  ])('%s', async (script, exit) => {
    expect(await sh(script).child.exited).toEqual({ ...exit, stderrTail: expect.any(String) });
  });

  test('a program that is not there', async () => {
    const exit = await supervise({ program: '/nowhere/program', args: [] }).child.exited;
    expect(exit).toMatchObject({ exitCode: 127, stderrTail: expect.stringContaining('/nowhere/program: not found') });
  });

  test('a folder that is not there', async () => {
    const exit = await sh('true', { cwd: '/nowhere' }).child.exited;
    expect(exit).toMatchObject({ exitCode: null, signal: null, how: expect.stringMatching(/ENOENT.* \/nowhere$/) });
  });

  test('with the end of what it wrote to standard error', async () => {
    const { child, lines } = sh(
      'i=0; while [ $i -lt 50 ]; do echo "$i" >&2; i=$((i + 1)); done; echo out; printf last >&2',
    );
    const { stderrTail } = await child.exited;
    expect(stderrTail.split('\n')).toEqual([...Array.from({ length: 19 }, (_, i) => String(i + 31)), 'last']);
    expect(lines).toHaveLength(52);
    expect(lines).toEqual(expect.arrayContaining(['out', '! 0', '! 49', '! last']));
  });

  test('although somebody who left the group holds its output open', async () => {
    const { child, lines } = sh('setsid sleep 60 & echo "left $!"; exit 4');
    expect(await child.exited).toMatchObject({ exitCode: 4 });
    process.kill(Number(lines[0]?.slice('left '.length)), 'SIGKILL');
  });
});

describe('its environment', () => {
  const print = ['-p', 'JSON.stringify([process.env, process.cwd()])'];
  const values = { HOME: '/a b', QUOTED: `it's "$HOME" \\ \`id\``, LINES: 'one\ntwo', EMPTY: '', UMLAUT: 'ü' };

  test.each([
    ['nothing', {}],
    ['values as they are', values],
  ])('is exactly the given one: %s', async (_, given) => {
    const { child, lines } = supervise({ program: process.execPath, args: print, env: given });
    await child.exited;
    expect(JSON.parse(lines[0] ?? '')).toEqual([given, '/']);
  });

  test('has the given folder, and arguments that no shell reads', async () => {
    const args = ['-p', 'JSON.stringify([process.cwd(), ...process.argv.slice(1)])', '--', '$HOME', '*', "a 'b", ''];
    const { child, lines } = supervise({ program: process.execPath, args, cwd: '/usr' });
    await child.exited;
    expect(JSON.parse(lines[0] ?? '')).toEqual(['/usr', '$HOME', '*', "a 'b", '']);
  });

  test.each(['A-B', 'A.B', '1A', '', 'A=B', 'PWD'])('a name that a shell would drop or set is refused: %j', (name) => {
    expect(() => sh('true', { env: { [name]: 'x' } })).toThrow(
      `the variable ${JSON.stringify(name)} cannot be passed on`,
    );
  });

  test('holds no descriptor of ours but its output', async () => {
    const { child, lines } = sh(
      'for fd in 3 4 5 6 7 8 9; do (: >&$fd) 2>/dev/null && echo "open $fd"; done; echo done',
    );
    await child.exited;
    expect(lines).toEqual(['done']);
  });

  test.runIf(process.getuid?.() === 0)('runs under the given account', async () => {
    const account = await chooseAccount(['daemon'], '/nonexistent');
    const { child, lines } = sh('id -u; id -G', { account });
    await child.exited;
    expect(lines).toEqual([String(account?.uid), String(account?.gid)]);
  });
});

describe('its end', () => {
  test('by the signal that it is to get, once', async () => {
    const { child, said, lines } = sh('trap "echo got TERM; exit 5" TERM; echo up; while :; do sleep 0.05; done', {
      endBy: [{ signal: 'SIGTERM', patienceMs: 10_000 }],
    });
    await said('up');
    child.end();
    child.end();
    expect(await child.exited).toMatchObject({ exitCode: 5 });
    expect(lines).toEqual(['up', 'got TERM']);
    child.end();
    child.kill();
  });

  test('by the next signal when it ignores the first, and by SIGKILL when it ignores all', async () => {
    const script = 'trap "echo got HUP" HUP; trap "echo got TERM" TERM; echo "pid $$"; while :; do sleep 0.05; done';
    const { child, lines } = sh(script, {
      endBy: [
        { signal: 'SIGHUP', patienceMs: 300 },
        { signal: 'SIGTERM', patienceMs: 300 },
      ],
    });
    const group = await groupOf(lines);
    child.end();
    expect(await child.exited).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(lines.slice(1)).toEqual(['got HUP', 'got TERM']);
    await isGone(group);
  });

  test('at once where no signal is named', async () => {
    const { child, lines } = sh('trap "" INT TERM QUIT; echo "pid $$"; while :; do sleep 0.05; done');
    const group = await groupOf(lines);
    child.end();
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
    await isGone(group);
  });

  test('kill takes what it forked along', async () => {
    const { child, lines } = sh('(sleep 60 & sleep 61 & wait) & echo "pid $$"; wait');
    const group = await groupOf(lines);
    await vi.waitFor(async () => expect((await membersOf(group)).length).toBeGreaterThanOrEqual(6), PATIENCE);
    child.kill();
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
    await isGone(group);
  });

  test('what it forked ends with it also when it ends by itself', async () => {
    const script =
      'trap "exit 3" TERM; (trap "" TERM; sleep 60) & sleep 61 & echo "pid $$"; while :; do sleep 0.05; done';
    const { child, lines } = sh(script, { endBy: [{ signal: 'SIGTERM', patienceMs: 60_000 }] });
    const group = await groupOf(lines);
    child.end();
    expect(await child.exited).toMatchObject({ exitCode: 3 });
    await isGone(group);
  });

  test('when somebody ends the shell beside it', async () => {
    const { child, lines } = sh('trap "" TERM; echo "pid $$"; while :; do sleep 0.05; done');
    const group = await groupOf(lines);
    await hasWatcher(group);
    process.kill(group, 'SIGKILL');
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
    await isGone(group);
  });
});

describe('after kill -9 of its owner', () => {
  /** A process of ours that has started the child. */
  async function owner(script: string, endBy: SuperviseOptions['endBy']) {
    const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
    const argument = JSON.stringify({ kind: 'toy', program: '/bin/sh', args: ['-c', script], env, endBy });
    const runner = [path('../../../vitest.child.mjs'), path('./support/owner.ts'), argument];
    const process_ = spawn(process.execPath, runner, { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void process_.kill('SIGKILL'));
    const lines = createInterface(process_.stdout);
    const [line] = (await once(lines, 'line')) as [string];
    const pid = Number(line.slice('pid '.length));
    const kill = async () => {
      process_.kill('SIGKILL');
      await once(process_, 'exit');
    };
    return { pid: process_.pid, child: pid, group: (await parentOf(pid)) ?? fail(), kill };
  }

  test.each([
    ['it is idle', 'echo "pid $$"; sleep 60'],
    ['it forks', '(sleep 60 & wait) & echo "pid $$"; wait'],
    ['it ignores signals', 'trap "" INT TERM QUIT; echo "pid $$"; while :; do sleep 0.05; done'],
    ['it writes without end', 'echo "pid $$"; while :; do echo more; done'],
  ])('nothing of it stays: %s', async (_, script) => {
    const { group, kill } = await owner(script, []);
    await hasWatcher(group);
    await kill();
    await isGone(group);
  });

  test('it gets its signals first, and has an owner until then', async () => {
    const { pid, child, group, kill } = await owner(
      '(trap "" TERM; sleep 60) & trap "sleep 0.3; exit" TERM; echo "pid $$"; while :; do sleep 0.05; done',
      [{ signal: 'SIGTERM', patienceMs: 60_000 }],
    );
    expect(await findOwner('toy', child)).toBe(pid);
    await kill();
    expect(await findOwner('toy', child)).toBeUndefined();
    await isGone(group);
  });
});

describe('the channel', () => {
  test('is a socket at its descriptor 4, and nobody else has it', async () => {
    const { child } = sh('read -r line <&4; echo "got $line" >&4; ls /proc/$PPID/fd >&4', { hasChannel: true });
    let text = '';
    child.channel?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.channel?.write('hello\n');
    expect(await child.exited).toMatchObject({ exitCode: 0 });
    expect(text).toContain('got hello\n');
    // The shell beside it has closed its own.
    expect(text.split('\n')).not.toContain('4');
  });

  test('is not there unless it was asked for', async () => {
    const { child, lines } = sh('if (: >&4) 2>/dev/null; then echo open; else echo closed; fi');
    await child.exited;
    expect([child.channel, lines]).toEqual([undefined, ['closed']]);
  });
});

describe('limits', () => {
  test('hold for the child and what it starts', async () => {
    const limits = { dataBytes: 512 * 1024 * 1024, openFiles: 100, fileBytes: 1024 * 1024 };
    const { child, lines } = sh('sh -c "ulimit -d; ulimit -n; ulimit -f; ulimit -c"', { limits });
    await child.exited;
    expect(lines).toEqual([String(512 * 1024), '100', '2048', '0']);
  });

  test('a file becomes no larger', async () => {
    const folder = await temporaryDirectory();
    const limits = { fileBytes: 65_536 };
    const { child } = sh(`head -c 1000000 /dev/zero > '${folder}/file'`, { limits });
    expect((await child.exited).exitCode).not.toBe(0);
    expect((await stat(`${folder}/file`)).size).toBe(65_536);
  });
});

test('one that writes without end is slowed down', async () => {
  let bytes = 0;
  const { child } = sh('while :; do echo 0123456789012345678901234567890123456789; done', {
    outputBytesPerSecond: 100_000,
    onLine: (line) => {
      bytes += line.length + 1;
    },
  });
  const began = performance.now();
  await vi.waitFor(() => expect(bytes).toBeGreaterThan(100_000), PATIENCE);
  const seconds = (performance.now() - began) / 1000;
  child.kill();
  // A pipe full on top of it, each time that it is read.
  expect(bytes).toBeLessThan(100_000 * seconds + 3 * 65_536);
  expect(seconds).toBeGreaterThan(0.3);
});
