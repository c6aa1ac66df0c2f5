import { onTestFinished } from 'vitest';
import type { TestServer } from './server.js';
import { until } from './until.js';

/** One line of the log, as standard output and the log stream both have it. */
export interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly target: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * The whole lines on standard output so far.
 * @throws SyntaxError for a line that is not JSON
 */
export function linesOf(server: TestServer): LogLine[] {
  return server
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}

/** The access line of the first request with this id, from standard output. */
export function accessLineOf(server: TestServer, requestId: string): Promise<LogLine> {
  return until(`the access line of ${requestId}`, async () =>
    linesOf(server).find(({ fields }) => fields.message === 'request completed' && fields.request_id === requestId),
  );
}

/** Reads `/_admin/logs?<search>` line by line, until the stream or the test ends. */
export async function openLog(server: TestServer, search: string): Promise<AsyncGenerator<LogLine, undefined>> {
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const response = await server.admin(`/_admin/logs?${search}`, { signal: leaving.signal });
  if (response.body === null || !response.ok) throw new Error(`log stream: ${response.status}`);
  return dataLines(response.body);
}

async function* dataLines(body: ReadableStream<Uint8Array>): AsyncGenerator<LogLine, undefined> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split('\n');
    text = lines.pop() as string;
    for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as LogLine;
  }
}
