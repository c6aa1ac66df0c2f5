import { crc32, createInflateRaw } from 'node:zlib';
import type { ArchiveLimits } from './entry.js';
import { archiveErrors } from './errors.js';
import { Input } from './input.js';

/** RFC 1952 §2.3.1: what follows the ten fixed bytes. */
const HAS_CHECKSUM = 2;
const HAS_EXTRA = 4;
const HAS_NAME = 8;
const HAS_COMMENT = 16;
const RESERVED = 0xe0;

/** Of a name or a comment in the header of gzip. */
const MAX_TEXT_BYTES = 4 * 1024;

/** Up to here any ratio is harmless. */
const RATIO_FROM_BYTES = 1024 * 1024;

/**
 * Unpacks exactly one gzip member, which must be all there is. zlib's own gunzip continues with a second member, and is
 * silent about some of what may follow.
 * @throws ReactorError `archive_invalid`, `archive_too_large`
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>, limits: ArchiveLimits): AsyncGenerator<Uint8Array> {
  const input = new Input(source, limits.maxArchiveBytes);
  try {
    await skipHeader(input);
    let checksum = 0;
    let length = 0;
    for await (const chunk of inflate(input)) {
      length += chunk.length;
      checkLength(length, input.count, limits);
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
    const trailer = await take(input, 8);
    if (trailer.readUInt32LE(0) !== checksum || trailer.readUInt32LE(4) !== length % 2 ** 32) {
      throw invalid('the archive is damaged: its gzip checksum is wrong');
    }
    await refuseMore(input);
  } finally {
    input.close();
  }
}

async function skipHeader(input: Input): Promise<void> {
  const notGzip = () => invalid('the archive is not gzip: accepted is a tar.gz');
  const fixed = await input.take(10);
  if (fixed === undefined || fixed[0] !== 0x1f || fixed[1] !== 0x8b || fixed[2] !== 8) throw notGzip();
  const flags = fixed.readUInt8(3);
  if ((flags & RESERVED) !== 0) throw notGzip();
  if ((flags & HAS_EXTRA) !== 0) await take(input, (await take(input, 2)).readUInt16LE(0));
  if ((flags & HAS_NAME) !== 0) await skipText(input);
  if ((flags & HAS_COMMENT) !== 0) await skipText(input);
  if ((flags & HAS_CHECKSUM) !== 0) await take(input, 2);
}

async function skipText(input: Input): Promise<void> {
  for (let length = 0; length < MAX_TEXT_BYTES; length++) {
    if ((await take(input, 1))[0] === 0) return;
  }
  throw invalid(`the archive has a name of more than ${MAX_TEXT_BYTES} bytes in its gzip header`);
}

/** What the one deflate stream unpacks to; what follows it stays in `input`. */
async function* inflate(input: Input): AsyncGenerator<Buffer> {
  const engine = createInflateRaw();
  const feed = async () => {
    for (let given = 0; !engine.destroyed; ) {
      const chunk = await input.next();
      if (chunk === undefined) return engine.end();
      given += chunk.length;
      await new Promise<void>((resolve) => engine.write(chunk, () => resolve()));
      // It takes nothing beyond the end of the stream, and says that it has ended.
      const left = given - engine.bytesWritten;
      if (left > 0) return input.unread(chunk.subarray(chunk.length - left));
    }
  };
  const fed = feed().catch((error) => void engine.destroy(error));
  try {
    for await (const chunk of engine) yield chunk;
  } catch (cause) {
    if (!String((cause as NodeJS.ErrnoException).code).startsWith('Z_')) throw cause;
    throw invalid('the archive is damaged or cut: it cannot be unpacked', cause);
  }
  await fed;
}

function checkLength(length: number, packed: number, { maxUnpackedBytes, maxRatio }: ArchiveLimits): void {
  if (length > maxUnpackedBytes) {
    throw archiveErrors.create.archive_too_large(`the archive unpacks to more than ${maxUnpackedBytes} bytes`);
  }
  if (length > RATIO_FROM_BYTES && length > packed * maxRatio) {
    throw archiveErrors.create.archive_too_large(`the archive unpacks to more than ${maxRatio} times its size`);
  }
}

async function refuseMore(input: Input): Promise<void> {
  const [first, second] = (await input.next()) ?? [];
  if (first === undefined) return;
  const isMember = first === 0x1f && (second ?? 0x8b) === 0x8b;
  throw invalid(`the archive has ${isMember ? 'a second gzip member' : 'bytes'} after its end`);
}

async function take(input: Input, length: number): Promise<Buffer> {
  const bytes = await input.take(length);
  if (bytes === undefined) throw invalid('the archive is cut');
  return bytes;
}

function invalid(message: string, cause?: unknown) {
  return archiveErrors.create.archive_invalid(message, { cause });
}
