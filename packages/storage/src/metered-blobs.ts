import {
  type BlobContent,
  type BlobRange,
  type BlobStore,
  blobErrors,
  type Clock,
  type PutOptions,
  ReactorError,
  type StoredBlob,
} from '@reactor/core';
import type { StorageMetrics } from './metrics.js';

/** How a download ended: all sent, the client gone, or the blob store failed in the middle. */
export type DownloadEnd =
  | { readonly result: 'ok' | 'aborted' }
  | { readonly result: 'failed'; readonly error: unknown };

/** A blob store whose time and bytes are measured. Time spent waiting for the client is not the store's, nor counted. */
export class MeteredBlobs {
  readonly #blobs: BlobStore;
  readonly #metrics: StorageMetrics;
  readonly #clock: Clock;

  constructor(blobs: BlobStore, metrics: StorageMetrics, clock: Clock) {
    this.#blobs = blobs;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredBlob> {
    const clock = this.#clock;
    const metrics = this.#metrics;
    let busySince = clock.monotonic();
    let busyMs = 0;
    async function* received() {
      busyMs += clock.monotonic() - busySince;
      for await (const chunk of body) {
        metrics.received(chunk.byteLength);
        busySince = clock.monotonic();
        yield chunk;
        busyMs += clock.monotonic() - busySince;
      }
      busySince = clock.monotonic();
    }
    const blob = await this.#blobs.put(key, received(), options);
    metrics.backend('put', busyMs + clock.monotonic() - busySince);
    return blob;
  }

  /**
   * Undefined when there is no such blob. One that loses its end on the way is an error before its last bytes.
   * @param sizeBytes what was stored
   * @param range within that
   * @throws ReactorError `blob_damaged` (500) when the blob has another length
   */
  async get(
    key: string,
    sizeBytes: number,
    range: BlobRange | undefined,
    onEnd: (end: DownloadEnd) => void,
  ): Promise<BlobContent['body'] | undefined> {
    const length = range === undefined ? sizeBytes : range.end - range.start + 1;
    const started = this.#clock.monotonic();
    const blob = await openWhole(this.#blobs, key, sizeBytes, range);
    if (blob === undefined) return undefined;
    const { body } = blob;
    const openMs = this.#clock.monotonic() - started;
    if (!(body instanceof Uint8Array)) return this.#sent(body, length, openMs, onEnd);
    if (body.byteLength !== length) throw damaged(otherLength(length));
    this.#metrics.backend('get', openMs);
    this.#metrics.sent(length);
    onEnd({ result: 'ok' });
    return body;
  }

  async delete(key: string): Promise<void> {
    const started = this.#clock.monotonic();
    await this.#blobs.delete(key);
    this.#metrics.backend('delete', this.#clock.monotonic() - started);
  }

  #sent(stream: ReadableStream<Uint8Array>, length: number, openMs: number, onEnd: (end: DownloadEnd) => void) {
    const clock = this.#clock;
    const metrics = this.#metrics;
    const reader = stream.getReader();
    let busyMs = openMs;
    let missing = length;
    let ended = false;
    const end = (how: DownloadEnd) => {
      if (ended) return;
      ended = true;
      metrics.backend('get', busyMs);
      onEnd(how);
    };
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const asked = clock.monotonic();
          try {
            const { value } = await reader.read();
            missing -= value?.byteLength ?? 0;
            // Looks for the end before it gives the last bytes away: the client may leave as soon as it has them all.
            const isWhole = missing === 0 && (value === undefined || (await reader.read()).done);
            busyMs += clock.monotonic() - asked;
            if (!isWhole && (value === undefined || missing <= 0)) {
              throw otherLength(length);
            }
            if (value !== undefined) {
              metrics.sent(value.byteLength);
              controller.enqueue(value);
            }
            if (isWhole) {
              end({ result: 'ok' });
              controller.close();
            }
          } catch (error) {
            end({ result: 'failed', error });
            await reader.cancel().catch(() => {});
            throw error;
          }
        },
        async cancel(reason) {
          end({ result: 'aborted' });
          await reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }
}

/** Opens a blob, or the range of one, if it has the length that was stored. @throws ReactorError `blob_damaged` (500) */
async function openWhole(
  blobs: BlobStore,
  key: string,
  sizeBytes: number,
  range: BlobRange | undefined,
): Promise<BlobContent | undefined> {
  let blob: BlobContent | undefined;
  try {
    blob = await blobs.get(key, range);
  } catch (error) {
    // The range lies within what was stored, so the blob has lost its end.
    const isCut = error instanceof ReactorError && error.code === 'range_not_satisfiable';
    throw isCut ? damaged(error) : error;
  }
  if (blob === undefined || blob.size === sizeBytes) return blob;
  if (!(blob.body instanceof Uint8Array)) await blob.body.cancel();
  throw damaged(new Error(`the blob ${key} has ${blob.size} bytes, and ${sizeBytes} were stored`));
}

function otherLength(length: number): Error {
  return new Error(`the blob has another length than the ${length} bytes that were stored`);
}

function damaged(cause: Error) {
  return blobErrors.create.blob_damaged('The stored bytes are damaged.', { cause });
}
