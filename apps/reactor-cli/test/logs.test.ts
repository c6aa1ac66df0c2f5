import { describe, expect, test } from 'vitest';
import { answering, nobody, run, start, testServer } from './fixtures.js';

function log(data: object, id: string): string {
  return `event: log\nid: ${id}\ndata: ${JSON.stringify({ timestamp: '2026-01-31T12:00:00.000Z', level: 'INFO', target: 't', fields: {}, ...data })}\n\n`;
}

function sse(...frames: string[]): Response {
  return new Response(frames.join(''), { headers: { 'Content-Type': 'text/event-stream' } });
}

describe('logs', () => {
  test('prints the kept lines for people, as an array in the envelope, or as they are', async () => {
    const { env, logger } = await testServer();
    logger.info('first', { n: 1, words: 'two words' });
    logger.target('reactor_jobs').error('second', { error: new Error('why') });
    const human = await run(['logs'], { env, terminal: true });
    expect(human.code).toBe(0);
    const rows = human.stdout.split('\n');
    expect(rows[0]).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[INFO\] first target=reactor_server n=1 words="two words"$/,
    );
    expect(rows[1]).toMatch(/\[ERROR\] second target=reactor_jobs error="Error: why"$/);
    expect(rows[2]).toBe('    Error: why');
    const json = JSON.parse((await run(['logs', '-o', 'json'], { env })).stdout);
    expect(json).toMatchObject({
      ok: true,
      data: [{ fields: { message: 'first' } }, { fields: { message: 'second' } }],
    });
    // `--json`, and a pipe when nothing was said, take one object a line.
    for (const argv of [['logs', '--json'], ['logs']]) {
      const raw = (await run(argv, { env })).stdout.trim().split('\n');
      expect(raw.map((line) => JSON.parse(line))).toEqual(json.data);
    }
  });

  test.each([
    [['--capability', 'jobs'], ['jobs']],
    [['job'], ['jobs']],
    [['fn'], ['functions']],
    [['--capability', 'function'], ['functions']],
    [['SITES'], ['sites']],
    [['system'], ['server']],
    [['all'], ['server', 'jobs', 'functions', 'sites']],
    [['jobs', '--capability', 'jobs'], ['jobs']],
    [['--level', 'warn'], ['sites']],
    [['--target', 'reactor_jobs'], ['jobs']],
    [['--request-id', 'r-1'], ['functions']],
    [['--user', 'u-1'], ['jobs']],
    [
      ['--limit', '2'],
      ['functions', 'sites'],
    ],
    [
      ['--since', '1h'],
      ['server', 'jobs', 'functions', 'sites'],
    ],
    [['--since', '2999-01-01T00:00:00Z'], []],
  ])('%j selects', async (argv, expected) => {
    const { env, logger } = await testServer();
    logger.info('server');
    logger.target('reactor_jobs::worker').info('jobs', { sub: 'u-1' });
    logger.target('reactor_functions').info('functions', { request_id: 'r-1' });
    logger.target('reactor_sites').warn('sites');
    const { stdout } = await run(['logs', '-o', 'json', ...argv], { env });
    expect(JSON.parse(stdout).data.map((line: { fields: { message: string } }) => line.fields.message)).toEqual(
      expected,
    );
  });

  test.each([
    [['nothing'], 'Accepted: auth, data, storage, '],
    [['constructor'], 'Accepted:'],
    [['jobs', '--capability', 'auth'], 'two capabilities'],
    [['--since', 'soon'], 'RFC 3339'],
    [['--level', 'loud'], 'trace, debug, info, warn, error'],
    [['--limit', '-1'], '0 to 100000'],
  ])('%j is refused', async (argv, accepted) => {
    const { env } = await testServer();
    const { code, stdout, stderr } = await run(['logs', ...argv], { env });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(accepted);
  });

  test('does not let a line move the cursor', async () => {
    const { env, logger } = await testServer();
    logger.info('a\u001b[2J\nb', { key: '\u0007' });
    const { stdout } = await run(['logs'], { env, terminal: true });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stdout).toContain('a\\x1b[2J\\nb');
    expect(stdout).not.toContain('\u001b');
  });

  test('fails when the server says that lines are missing', async () => {
    const url = await answering(() =>
      sse(log({}, 'b-1'), 'event: error\ndata: {"code":"reader_too_slow","lost":3}\n\n'),
    );
    const { code, stderr } = await run(['logs', '--url', url]);
    expect(code).toBe(5);
    expect(stderr).toContain('reader_too_slow');
  });
});

describe('logs --follow', () => {
  const messages = (text: string) =>
    text
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).fields.message);

  test('prints kept and live lines, one object a line, until the user stops it', async () => {
    const { env, logger } = await testServer();
    logger.info('kept');
    const stopping = new AbortController();
    const running = start(['logs', '--follow'], { env, signal: stopping.signal });
    await expect.poll(running.stdout).toContain('kept');
    logger.info('live');
    await expect.poll(running.stdout).toContain('live');
    stopping.abort();
    expect(await running.exit).toBe(0);
    expect(messages(running.stdout())).toEqual(['kept', 'live']);
  });

  test('goes on where it was when the connection is lost, without repeating a line', async () => {
    const first = await testServer({ bootId: 'one' });
    const stopping = new AbortController();
    const running = start(['logs', '-f', 'server'], { env: first.env, signal: stopping.signal });
    first.logger.info('before');
    await expect.poll(running.stdout).toContain('before');
    await first.stop();
    const second = await testServer({ port: first.port, bootId: 'two' });
    second.logger.info('after a restart');
    await expect.poll(running.stdout, { timeout: 15_000 }).toContain('after a restart');
    // The position, for a server that resumes by it, and as an instant for one that does not.
    const request = second.requests.find((seen) => new URL(seen.url).searchParams.has('since'));
    expect(request?.headers.get('Last-Event-ID')).toBe('one-1');
    expect(new URL(request?.url ?? '').searchParams.get('capability')).toBe('server');
    stopping.abort();
    expect(await running.exit).toBe(0);
    expect(messages(running.stdout())).toEqual(['before', 'after a restart']);
  });

  test('skips what a server repeats, and says which lines it does not have', async () => {
    let connections = 0;
    const url = await answering(() => {
      connections++;
      if (connections === 1)
        return sse(log({ fields: { message: 'a' } }, 'b-1'), log({ fields: { message: 'b' } }, 'b-2'));
      return sse(
        ': heartbeat\n\n',
        log({ fields: { message: 'a' } }, 'b-1'),
        log({ fields: { message: 'b' } }, 'b-2'),
        'event: gap\ndata: {"count":4,"reason":"evicted"}\n\n',
        log({ fields: { message: 'c' } }, 'b-7'),
      );
    });
    const stopping = new AbortController();
    const running = start(['logs', '-f', '--url', url, '--json'], { signal: stopping.signal });
    await expect.poll(running.stdout).toContain('"c"');
    stopping.abort();
    expect(await running.exit).toBe(0);
    expect(messages(running.stdout())).toEqual(['a', 'b', 'c']);
    expect(running.stderr()).toContain('warning: gap: {"count":4,"reason":"evicted"}');
  });

  test('ends with an error when it could not begin, or may not go on', async () => {
    expect((await run(['logs', '-f', '--url', await nobody()])).code).toBe(6);
    let connections = 0;
    const url = await answering(() => {
      connections++;
      return connections === 1 ? sse(log({}, 'b-1')) : new Response('{"error":{"message":"no"}}', { status: 401 });
    });
    expect((await run(['logs', '-f', '--url', url])).code).toBe(3);
  });
});
