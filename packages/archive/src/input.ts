import { archiveErrors } from './errors.js';

/** The bytes of an archive as they come, counted, with what was read too far put back. */
export class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  #back: Uint8Array | undefined;
  /** Bytes that came so far. */
  count = 0;

  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
  }

  /**
   * The next bytes, one at least; undefined at the end.
   * @throws ReactorError `archive_too_large`
   */
  async next(): Promise<Uint8Array | undefined> {
    const back = this.#back;
    this.#back = undefined;
    if (back !== undefined) return back;
    for (;;) {
      const { value, done } = await this.#chunks.next();
      if (done) return undefined;
      this.count += value.length;
      if (this.count > this.#maxBytes) {
        throw archiveErrors.create.archive_too_large(`the archive has more than ${this.#maxBytes} bytes`);
      }
      if (value.length > 0) return value;
    }
  }

  /** Puts the end of what `next` gave back before what follows. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#back = bytes;
  }

  /** Exactly this many bytes; undefined when there are fewer. */
  async take(length: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0; ) {
      const chunk = await this.next();
      if (chunk === undefined) return undefined;
      parts.push(chunk.subarray(0, missing));
      this.unread(chunk.subarray(missing));
      missing -= Math.min(missing, chunk.length);
    }
    return Buffer.concat(parts);
  }

  /** Tells the source that no more is wanted. Does not wait: it may be waiting itself. */
  close(): void {
    this.#chunks.return?.().catch(() => {});
  }
}
