import { CliError } from '../errors.js';

/** One event of a stream of server-sent events. */
export interface ServerEvent {
  /** `message` when the server names none. */
  readonly type: string;
  readonly data: string;
  /** Empty until the stream gives one. */
  readonly lastEventId: string;
}

/** Longer events are no log lines of ours; an endless one would fill the memory. */
const MAX_EVENT_CHARS = 8 * 1024 * 1024;

/**
 * Reads a stream of server-sent events as WHATWG HTML §9.2.6 says. A comment comes as undefined: it shows that the
 * connection lives. An event that the end of the stream cuts off is dropped.
 */
export async function* readEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent | undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let lastEventId = '';
  let type = '';
  let data: string[] = [];
  for await (const chunk of chunks) {
    // A CR at the end may be half of a CRLF.
    const text = rest + decoder.decode(chunk, { stream: true });
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > MAX_EVENT_CHARS) throw new Error('an event is too long');
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield { type: type || 'message', data: data.join('\n'), lastEventId };
        type = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) {
        yield undefined;
        continue;
      }
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') type = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id' && !value.includes('\0')) lastEventId = value;
    }
  }
}

/** @throws CliError `SERVER_ERROR` when the answer is not a stream of events */
export function eventStream(response: Response): AsyncIterable<Uint8Array> {
  if (response.body === null || !response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    throw new CliError('SERVER_ERROR', 'the server answered something that is not a stream of events');
  }
  return response.body;
}
