import type { FileHandle } from 'node:fs/promises';
import { blobErrors } from '@reactor/core';
import { filesystemError, onFilesystem } from './filesystem-errors.js';

/** One read, and so what a download holds in memory: large enough that reading costs little, small with 1000 at once. */
export const CHUNK_BYTES = 65_536;

/**
 * The bytes `start` to `end` (exclusive) of an open file, which is closed then; a stream costs several times as much as
 * the reading of so few.
 * @param end at most `CHUNK_BYTES` from `start`
 * @throws ReactorError `blob_damaged` (500) when the file ends early
 */
export async function readAtOnce(file: FileHandle, start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - start);
  let length = 0;
  while (length < bytes.byteLength) {
    const left = bytes.byteLength - length;
    const { bytesRead } = await onFilesystem(file.read(bytes, length, left, start + length));
    if (bytesRead === 0) {
      const cause = endsEarly(start + length, left);
      throw blobErrors.create.blob_damaged('The stored bytes are damaged.', { cause });
    }
    length += bytesRead;
  }
  await onFilesystem(file.close());
  return bytes;
}

/**
 * The bytes `start` to `end` (exclusive) of an open file, read as they are asked for. Closes the file at the end, on an
 * error and on cancel. A file that ends early is an error: a short body must never look like a whole one.
 */
export function fileStream(file: FileHandle, start: number, end: number): ReadableStream<Uint8Array> {
  let position = start;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          if (position < end) {
            const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - position));
            const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, position);
            if (bytesRead === 0) throw endsEarly(position, end - position);
            position += bytesRead;
            controller.enqueue(chunk.subarray(0, bytesRead));
          }
          if (position === end) {
            await file.close();
            controller.close();
          }
        } catch (error) {
          await file.close().catch(() => {});
          throw filesystemError(error);
        }
      },
      cancel: () => file.close(),
    },
    // Nothing is read before it is asked for.
    { highWaterMark: 0 },
  );
}

function endsEarly(position: number, missing: number): Error {
  return new Error(`the file ends at byte ${position}, ${missing} before its end`);
}
