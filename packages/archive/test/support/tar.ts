import { gzipSync } from 'node:zlib';

/** One block of a tar and what follows it, with fields that a writer of ours would never set. */
export interface RawEntry {
  readonly name: string | Buffer;
  /** Default `0`, a file. */
  readonly type?: string;
  readonly content?: string | Buffer;
  /** As it stands in the field, where it is not the length of the content. */
  readonly size?: string | Buffer;
  readonly prefix?: string;
  readonly link?: string;
  /** Default ustar. */
  readonly magic?: string;
  /** Applied when all is set, before the checksum. */
  patch?(header: Buffer): void;
}

export const GNU_MAGIC = 'ustar  \0';

/** Header, content and padding. */
export function block(entry: RawEntry): Buffer {
  const { name, type = '0', content = '', size, prefix, link, magic = 'ustar\x0000', patch } = entry;
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.set(Buffer.from(name).subarray(0, 100), 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.set(Buffer.from(size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`), 124);
  header.write('00000000000\0', 136);
  header.write(type, 156);
  if (link !== undefined) header.write(link, 157);
  header.write(magic, 257, 'latin1');
  if (prefix !== undefined) header.write(prefix, 345);
  patch?.(header);
  header.write(' '.repeat(8), 148);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export const END = Buffer.alloc(1024);

/** A whole tar. */
export function tar(...entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(block), END]);
}

/** A whole tar.gz. */
export function tarGz(...entries: readonly RawEntry[]): Buffer {
  return gzipSync(tar(...entries));
}

/** A pax header with these records, for the entry after it. */
export function pax(records: string | Readonly<Record<string, string>>, type = 'x'): RawEntry {
  const content =
    typeof records === 'string'
      ? records
      : Object.entries(records)
          .map(([key, value]) => paxRecord(key, value))
          .join('');
  return { name: 'PaxHeader', type, content };
}

function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (length !== Buffer.byteLength(rest) + String(length).length) length += 1;
  return length + rest;
}
