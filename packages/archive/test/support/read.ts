import { type ArchiveLimits, readArchive } from '../../src/index.js';

export const LIMITS: ArchiveLimits = {
  maxArchiveBytes: 10_000_000,
  maxUnpackedBytes: 50_000_000,
  maxRatio: 100,
  maxEntries: 1_000,
  maxPathBytes: 300,
  maxPathDepth: 10,
};

/** The bytes in chunks of this many. */
export async function* chunked(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export interface ReadOptions {
  readonly limits?: Partial<ArchiveLimits>;
  readonly chunkSize?: number;
}

/** The files, by path, with their content. */
export async function read(archive: Uint8Array, options: ReadOptions = {}): Promise<Record<string, Buffer>> {
  const files: Record<string, Buffer> = {};
  const source = chunked(archive, options.chunkSize);
  for await (const { path, body } of readArchive(
    source,
    { ...LIMITS, ...options.limits },
    new AbortController().signal,
  )) {
    files[path] = await collect(body);
  }
  return files;
}

/** Their content as text. */
export async function readText(archive: Uint8Array, options?: ReadOptions): Promise<Record<string, string>> {
  return Object.fromEntries(Object.entries(await read(archive, options)).map(([path, bytes]) => [path, String(bytes)]));
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Code and message of the error that reading throws. */
export async function refusal(archive: Uint8Array, options?: ReadOptions): Promise<string> {
  const error = (await read(archive, options).then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  )) as { code?: string; message: string };
  return `${error.code}: ${error.message}`;
}
