import { pipeline, Readable } from 'node:stream';
import { extract as extractTar } from 'tar-stream';
import type { ArchiveEntry, ArchiveLimits } from './entry.js';
import { archiveErrors } from './errors.js';
import { Framing } from './framing.js';
import { gunzip } from './gunzip.js';
import { checkPathLimits, Paths, shown } from './paths.js';

/** What else a tar can hold, as tar-stream names it. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  link: 'a hard link',
  symlink: 'a symbolic link',
  'character-device': 'a device',
  'block-device': 'a device',
  fifo: 'a fifo',
};

/**
 * Reads the files of a tar.gz, in its order. Nothing is skipped: what is not accepted is an error, and so is a folder's
 * entry whose path is not; folders are checked but not handed on, since they come into being by their files.
 *
 * Bytes stream through. A body that was not read when the next entry is asked for is read to its end and lost. An
 * archive is whole only when the loop has ended: errors can come after the last entry.
 *
 * @param source its errors are thrown as they are
 * @param signal ends it at once; its reason is thrown
 * @throws ReactorError `archive_invalid`, `archive_too_large`, which name the entry
 */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  signal.throwIfAborted();
  const tar = extractTar();
  // Its error handlers are there from now on.
  const entries = tar[Symbol.asyncIterator]();
  const unpacked = new Unpacked(source, limits);
  const abort = () => tar.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  pipeline(Readable.from(unpacked), tar as unknown as NodeJS.WritableStream, () => {});
  const explain = (error: unknown) => (signal.aborted ? signal.reason : unpacked.explain(error));
  const paths = new Paths();
  try {
    for (let count = 1; ; count++) {
      const { value: stream, done } = await entries.next();
      if (done) return signal.throwIfAborted();
      if (count > limits.maxEntries) {
        throw archiveErrors.create.archive_too_large(`the archive has more than ${limits.maxEntries} entries`);
      }
      const { path, size, isFile } = check(stream.header, limits);
      if (isFile || path !== '') paths.add(path, isFile ? 'file' : 'folder');
      const body = new Body(stream as AsyncIterable<Uint8Array>, explain);
      if (isFile) yield { path, size, body };
      await body.close();
    }
  } catch (error) {
    throw explain(error);
  } finally {
    signal.removeEventListener('abort', abort);
    tar.destroy();
  }
}

interface Checked {
  /** Empty for the entry of the root folder. */
  readonly path: string;
  readonly size: number;
  readonly isFile: boolean;
}

interface Header {
  readonly name: string;
  readonly size: number;
  /** Null for what tar-stream does not know. */
  readonly type: string | null;
}

function check({ name, size, type }: Header, limits: ArchiveLimits): Checked {
  const isFile = type === 'file';
  if (!isFile && type !== 'directory') {
    const what = OTHER_TYPES[type ?? ''] ?? 'of an unknown type';
    throw archiveErrors.create.archive_invalid(
      `the entry ${shown(name)} is ${what}; accepted are files and folders only`,
    );
  }
  if (size > limits.maxUnpackedBytes) {
    throw archiveErrors.create.archive_too_large(
      `the entry ${shown(name)} has ${size} bytes; the whole may have ${limits.maxUnpackedBytes}`,
    );
  }
  // `tar -C folder .` puts this before every path. It means the same to every reader.
  const relative = name.replace(/^\.\//, '');
  const path = isFile ? relative : relative.replace(/\/$/, '').replace(/^\.$/, '');
  checkPathLimits(path, limits);
  return { path, size, isFile };
}

/** The blocks of the tar, checked as they pass. Knows what ended it. */
class Unpacked implements AsyncIterable<Uint8Array> {
  readonly #blocks: AsyncIterable<Uint8Array>;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: AsyncIterable<Uint8Array>, limits: ArchiveLimits) {
    this.#blocks = gunzip(source, limits);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const framing = new Framing();
    try {
      for await (const chunk of this.#blocks) {
        framing.push(chunk);
        yield chunk;
      }
      framing.end();
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** What an error of the reader comes from. */
  explain(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure.error;
    if (!isOfTar(error)) return error;
    return archiveErrors.create.archive_invalid(`the archive is damaged: ${error.message}`, { cause: error });
  }
}

/** tar-stream throws plain errors, we and the source throw others. */
function isOfTar(error: unknown): error is Error {
  return error instanceof Error && error.constructor === Error;
}

/** The bytes of an entry, readable while the entry is the current one. */
class Body implements AsyncIterable<Uint8Array> {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #explain: (error: unknown) => unknown;
  #state: 'open' | 'ended' | 'closed' = 'open';

  constructor(stream: AsyncIterable<Uint8Array>, explain: (error: unknown) => unknown) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#explain = explain;
  }

  /** Leaving the loop early does not end the stream of tar-stream, which would end the archive with it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#state === 'closed') throw new Error('read the body of an entry before the next entry');
      const chunk = await this.#next();
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  /** Reads what is left. */
  async close(): Promise<void> {
    while ((await this.#next()) !== undefined);
    this.#state = 'closed';
  }

  async #next(): Promise<Uint8Array | undefined> {
    if (this.#state !== 'open') return undefined;
    try {
      const { value, done } = await this.#chunks.next();
      if (!done) return value;
      this.#state = 'ended';
      return undefined;
    } catch (error) {
      throw this.#explain(error);
    }
  }
}
