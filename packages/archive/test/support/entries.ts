import type { ArchiveEntry } from '../../src/index.js';

/** Entries with these contents, each body in several chunks. */
export async function* entriesOf(files: Readonly<Record<string, string | Uint8Array>>): AsyncGenerator<ArchiveEntry> {
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    yield { path, size: bytes.length, body: halves(bytes) };
  }
}

async function* halves(bytes: Buffer): AsyncGenerator<Uint8Array> {
  const middle = bytes.length >> 1;
  yield bytes.subarray(0, middle);
  yield bytes.subarray(middle);
}
