import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogging, type Logging, logRoutes } from '../../src/logs/index.js';
import { CAPABILITIES } from '../capabilities.js';
import { fieldOf, parseSse, testClock } from './fixtures.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reactor-logs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

function logTo(destination: number): Logging {
  const logging = createLogging({ filter: 'info', fmt: 'json', destination, clock: testClock() });
  onTestFinished(() => logging.close());
  return logging;
}

describe('a file', () => {
  test('has every line in order, flushed by turn, by flush and by close', async () => {
    const path = join(temporaryFolder(), 'log');
    const fd = openSync(path, 'a');
    onTestFinished(() => closeSync(fd));
    const logging = logTo(fd);
    const logger = logging.logger('a');
    logger.info('line', { n: 1 });
    await expect.poll(() => readFileSync(path, 'utf8')).toContain('"n":1');
    logger.info('line', { n: 2 });
    logging.flush();
    expect(readFileSync(path, 'utf8')).toContain('"n":2');
    for (let n = 3; n <= 2000; n++) logger.info('line', { n, text: 'ü'.repeat(100) });
    await logging.close();
    await logging.close();
    logger.info('line', { n: 2001 });
    const written = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).fields.n);
    expect(written).toEqual(Array.from({ length: 2001 }, (_, i) => i + 1));
  });

  test('that cannot be written to costs its lines and nothing else', async () => {
    const path = join(temporaryFolder(), 'log');
    closeSync(openSync(path, 'w'));
    const readOnly = openSync(path, 'r');
    onTestFinished(() => closeSync(readOnly));
    const logging = logTo(readOnly);
    for (let i = 0; i < 1000; i++) logging.logger('a').info('line', { text: 'x'.repeat(1000) });
    logging.flush();
    logging.logger('a').info('last');
    const events = parseSse(
      await (await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs?limit=1')).text(),
    );
    expect(events.map((event) => fieldOf(event))).toEqual(['last']);
  });
});

describe('a pipe whose reader is behind', () => {
  /** A pipe that does not block, as Node opens standard output. */
  function pipe(): { writer: number; path: string } {
    const path = join(temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [path]);
    const writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(writer));
    return { writer, path };
  }

  test('gets everything that fits the memory, without holding up the one who logs', async () => {
    const { writer, path } = pipe();
    const logging = logTo(writer);
    const logger = logging.logger('a');
    for (let n = 1; n <= 2000; n++) logger.info('line', { n, text: 'x'.repeat(500) });
    const reader = createReadStream(path, 'utf8');
    onTestFinished(() => void reader.destroy());
    let text = '';
    for await (const chunk of reader) {
      text += chunk;
      if (text.includes('"n":2000')) break;
    }
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).fields.n),
    ).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
  });

  test('loses what does not, is told how many lines, and then gets all again', async () => {
    const { writer, path } = pipe();
    const logging = logTo(writer);
    const registry = new Registry();
    logging.metrics.register(registry);
    const logger = logging.logger('a');
    const total = 10_000;
    for (let n = 1; n <= total; n++) logger.info('line', { n, text: 'x'.repeat(1000) });
    const metric = await registry.getSingleMetric('reactor_log_lines_dropped_total')?.get();
    const dropped = metric?.values.find(({ labels }) => labels.reason === 'destination')?.value ?? 0;
    expect(dropped).toBeGreaterThan(5000);
    expect(dropped).toBeLessThan(7000);

    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    onTestFinished(() => closeSync(reader));
    let text = '';
    const buffer = Buffer.alloc(1024 * 1024);
    const readAll = () => {
      try {
        for (let n = 1; n > 0; ) {
          n = readSync(reader, buffer);
          text += buffer.toString('utf8', 0, n);
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      }
      return text;
    };
    await expect.poll(readAll, { interval: 1, timeout: 20_000 }).toContain('log lines were lost');
    logger.info('line', { n: 'after' });
    await expect.poll(readAll).toContain('"after"');
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const numbers = lines.filter(({ fields }) => fields.message === 'line').map(({ fields }) => fields.n);
    expect(numbers).toEqual([...Array.from({ length: total - dropped }, (_, i) => i + 1), 'after']);
    expect(lines.find(({ fields }) => fields.message === 'log lines were lost')).toMatchObject({
      level: 'WARN',
      target: 'reactor_observability::logs',
      fields: { count: dropped },
    });
  });
});

describe('standard output', () => {
  /** Runs `child.mjs` with a pipe that nobody reads until the child has logged and is about to end. */
  async function run(ending: string, count: number, readFor: 'all' | 'one chunk' = 'all') {
    const child = spawn(process.execPath, [fileURLToPath(new URL('child.mjs', import.meta.url)), ending, `${count}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const closed = once(child, 'close');
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (readFor === 'one chunk') child.stdout.destroy();
    });
    child.stdout.pause();
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      errors += chunk;
    });
    await expect.poll(() => errors, { timeout: 20_000 }).toContain('ready');
    child.stdout.resume();
    const [code, signal] = await closed;
    return { code, signal, lines: text.split('\n').slice(0, -1), errors };
  }

  const numbers = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).fields.line);
  const all = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

  test('has every line of a process that exits right after logging 10 000', async () => {
    const { code, lines } = await run('exit', 10_000);
    expect(code).toBe(0);
    expect(numbers(lines)).toEqual(all(10_000));
  });

  test('has every line of a process that runs out of things to do', async () => {
    const { code, lines } = await run('nothing', 10_000);
    expect(code).toBe(0);
    expect(numbers(lines)).toEqual(all(10_000));
  });

  test('has every line of a process that an uncaught exception ends', async () => {
    const { code, lines, errors } = await run('throw', 10_000);
    expect(code).toBe(1);
    expect(numbers(lines)).toEqual(all(10_000));
    expect(errors).toContain('Error: unexpected');
  });

  test('has what was flushed before the process was killed', async () => {
    const { signal, lines } = await run('kill', 100);
    expect(signal).toBe('SIGKILL');
    expect(numbers(lines)).toEqual(all(100));
  });

  test('that its reader closes neither ends the process nor keeps it', async () => {
    const { code, errors } = await run('exit', 10_000, 'one chunk');
    expect(code).toBe(0);
    expect(errors).not.toContain('EPIPE');
  });
});
