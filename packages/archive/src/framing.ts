import { archiveErrors } from './errors.js';
import { parsePax, paxFault } from './pax.js';

const BLOCK_BYTES = 512;

/** Of a long name, or of the records of one entry: extended attributes may be a few kilobytes. */
const MAX_META_BYTES = 64 * 1024;

/** Types of blocks that say something about the entry after them; g is for all entries. */
const META = new Map([
  ['L', 'a long name'],
  ['N', 'a long name'],
  ['K', 'a long link'],
  ['x', 'a pax header'],
  ['g', 'a global pax header'],
]);

/**
 * Follows the blocks of a tar as they pass, and refuses what tar-stream silently accepts: an archive that is cut where
 * its end blocks should be, entries or bytes after these, records of a pax header that cannot be read, names for an entry
 * that does not come, two names for one. Content, names and types are left to the reader of the entries.
 */
export class Framing {
  readonly #header = Buffer.alloc(BLOCK_BYTES);
  #filled = 0;
  /** Bytes until the next header: content, then padding. */
  #skip = 0;
  #offset = 0;
  #endBlocks = 0;
  /** Kinds of meta blocks that wait for their entry. */
  readonly #waiting = new Set<string>();
  #meta: { readonly type: string; readonly content: Buffer; filled: number } | undefined;
  /** Of the entry that follows, from its pax header. */
  #size: number | undefined;
  /** Whether the entry that follows was given a name. */
  #hasName = false;
  /** Whether the entry that follows was given the target of a link. */
  #hasTarget = false;

  /** @throws ReactorError `archive_invalid` */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + (this.#skip > 0 ? this.#skip : BLOCK_BYTES - this.#filled));
      if (this.#skip > 0) {
        this.#collect(part);
        this.#skip -= part.length;
        if (this.#skip === 0) this.#endOfMeta();
      } else {
        this.#header.set(part, this.#filled);
        this.#filled += part.length;
        if (this.#filled === BLOCK_BYTES) this.#block();
      }
      at += part.length;
      this.#offset += part.length;
    }
  }

  /**
   * Call it after the last byte.
   * @throws ReactorError `archive_invalid`
   */
  end(): void {
    if (this.#skip > 0 || this.#filled > 0 || this.#endBlocks < 2) {
      throw archiveErrors.create.archive_invalid(
        'the archive is cut: it ends before the two zero blocks that end a tar',
      );
    }
  }

  #block(): void {
    this.#filled = 0;
    if (this.#header.every((byte) => byte === 0)) {
      if (this.#waiting.size > 0) throw this.#invalid(`${[...this.#waiting].join(' and ')} without its entry`);
      this.#endBlocks += 1;
      return;
    }
    if (this.#endBlocks > 0) throw this.#invalid('data after the end of the tar');
    const type = String.fromCharCode(this.#header.readUInt8(156));
    const size = this.#sizeOf(type);
    this.#skip = size + padding(size);
    if (META.has(type)) this.#beginMeta(type, size);
    else this.#entry(type, size);
  }

  #sizeOf(type: string): number {
    const size = readSize(this.#header.subarray(124, 136));
    if (size === undefined) throw this.#invalid('a damaged header: its size is not a number');
    return META.has(type) ? size : (this.#size ?? size);
  }

  #entry(type: string, size: number): void {
    if (type === '5' && size > 0) throw this.#invalid('a folder with content');
    const isUstar = this.#header[262] === 0;
    if (hidesText(this.#header.subarray(0, 100)) || (isUstar && hidesText(this.#header.subarray(345, 500)))) {
      throw this.#invalid('a name with a NUL in it');
    }
    if (this.#hasTarget && type !== '1' && type !== '2')
      throw this.#invalid('a link target before an entry that is not a link');
    this.#waiting.clear();
    this.#size = undefined;
    this.#hasName = false;
    this.#hasTarget = false;
  }

  #beginMeta(type: string, size: number): void {
    const name = META.get(type) ?? type;
    if (size > MAX_META_BYTES) {
      throw archiveErrors.create.archive_too_large(`the archive has ${name} of more than ${MAX_META_BYTES} bytes`);
    }
    if (type !== 'g') {
      if (this.#waiting.has(name)) throw this.#invalid(`${name} after another for one entry`);
      this.#waiting.add(name);
    }
    this.#meta = { type, content: Buffer.alloc(size), filled: 0 };
    if (size === 0) throw this.#invalid(`${name} without content`);
  }

  #collect(part: Uint8Array): void {
    const meta = this.#meta;
    if (meta === undefined) return;
    const wanted = part.subarray(0, meta.content.length - meta.filled);
    meta.content.set(wanted, meta.filled);
    meta.filled += wanted.length;
  }

  #endOfMeta(): void {
    const meta = this.#meta;
    if (meta === undefined) return;
    this.#meta = undefined;
    if (meta.type === 'K') this.#hasTarget = true;
    if (meta.type === 'L' || meta.type === 'N') this.#takeName();
    if (meta.type === 'x' || meta.type === 'g') this.#readPax(meta.content, meta.type === 'g');
    else if (hidesText(meta.content)) throw this.#invalid('a long name with a NUL in it');
    // tar-stream would take the short name instead.
    else if (meta.content[0] === 0) throw this.#invalid('a long name without content');
  }

  #readPax(content: Buffer, isGlobal: boolean): void {
    let records: Map<string, string>;
    try {
      records = parsePax(content);
    } catch (error) {
      throw this.#invalid(`a damaged pax header: ${(error as Error).message}`);
    }
    const fault = paxFault(records, isGlobal);
    if (fault !== undefined) throw this.#invalid(`a pax header that is not accepted: ${fault}`);
    const size = records.get('size');
    if (size !== undefined) this.#size = Number(size);
    if (records.has('path')) this.#takeName();
    if (records.has('linkpath')) this.#hasTarget = true;
  }

  /** Readers differ in which of two names they take. */
  #takeName(): void {
    if (this.#hasName) throw this.#invalid('two names for one entry');
    this.#hasName = true;
  }

  #invalid(what: string) {
    return archiveErrors.create.archive_invalid(`the archive has ${what}, near byte ${this.#offset} of its tar`);
  }
}

/** To the next block. */
export function padding(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Whether a field has something behind its first NUL, where every reader stops. */
function hidesText(field: Buffer): boolean {
  const end = field.indexOf(0);
  return end !== -1 && field.subarray(end).some((byte) => byte !== 0);
}

/** Octal digits, or a binary number where the first bit is set (GNU, star); undefined for anything else. */
function readSize(field: Buffer): number | undefined {
  if (field[0] === 0x80) {
    const size = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    return Number.isSafeInteger(size) ? size : undefined;
  }
  const digits = /^ *([0-7]+)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}
