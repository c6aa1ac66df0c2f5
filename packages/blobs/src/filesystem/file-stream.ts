import type { FileHandle } from 'node:fs/promises';
import { filesystemError } from './filesystem-errors.js';

/** One read, and so what a download holds in memory: large enough that reading costs little, small with 1000 at once. */
const CHUNK_BYTES = 65_536;

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
            if (bytesRead === 0) throw new Error(`the file ends at byte ${position}, ${end - position} before its end`);
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
