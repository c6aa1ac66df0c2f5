import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { ArchiveEntry } from './entry.js';
import { padding } from './framing.js';
import { fileHeader } from './header.js';
import { Paths, shown } from './paths.js';

/**
 * Writes a tar.gz as it is read, file by file and in the order given. The same files in the same order make the same tar;
 * the bytes of gzip are the same with the same zlib.
 *
 * @throws ReactorError `archive_invalid` for a path that `readArchive` would refuse
 * @throws Error when a body has other bytes than its entry's `size` says, and what a body throws
 */
export async function* writeArchive(
  entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>,
): AsyncGenerator<Uint8Array> {
  const gzip = createGzip();
  pipeline(Readable.from(tarOf(entries)), gzip, () => {});
  yield* gzip;
}

async function* tarOf(entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  const paths = new Paths();
  for await (const { path, size, body } of entries) {
    paths.add(path, 'file');
    yield fileHeader(path, size);
    yield* exactly(path, size, body);
    yield Buffer.alloc(padding(size));
  }
  // Two zero blocks end a tar.
  yield Buffer.alloc(1024);
}

async function* exactly(path: string, size: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > size) break;
    yield chunk;
  }
  if (length === size) return;
  const found = length > size ? 'more' : `only ${length}`;
  throw new Error(`the entry ${shown(path)} was announced with ${size} bytes, and its body has ${found}`);
}
