import { type BlobStore, coreErrors, ReactorError, type StoredBlob } from '@reactor/core';
import { functionsErrors } from '../errors.js';
import { readMultipart } from './multipart.js';

/** A request that brings a bundle. */
export interface IncomingBundle {
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array> | null;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

/** Where a bundle goes. */
export interface ReceiveOptions {
  readonly blobs: Pick<BlobStore, 'put' | 'delete'>;
  readonly blobKey: string;
  readonly maxBytes: number;
}

const RAW_TYPES = ['application/gzip', 'application/x-gzip', 'application/octet-stream'];
const ACCEPTED = [...RAW_TYPES, 'multipart/form-data'].join(', ');

/** For what stands around the bundle in a form. */
const FORM_BYTES = 64 * 1024;

/**
 * Streams the bundle of a request into the blob store, whole or not at all.
 * @throws ReactorError `unsupported_media_type` (415), `invalid_request` (400) for a form of other parts, `bundle_too_large`
 *   (413), `bundle_invalid` (400) for one that broke off or is not the announced one; what the blob store throws
 */
export async function receiveBundle(incoming: IncomingBundle, options: ReceiveOptions): Promise<StoredBlob> {
  const { headers, body } = incoming;
  const { blobs, blobKey, maxBytes } = options;
  const contentType = headers.get('Content-Type') ?? '';
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  const isForm = mediaType === 'multipart/form-data';
  if (!isForm && !RAW_TYPES.includes(mediaType)) {
    throw coreErrors.create.unsupported_media_type(`A bundle is a tar.gz, sent as one of ${ACCEPTED}.`);
  }
  refuseEncodings(headers);
  const length = parseLength(headers.get('Content-Length'));
  if ((length ?? 0) > maxBytes + (isForm ? FORM_BYTES : 0)) throw tooLarge(maxBytes);
  if (body === null) throw functionsErrors.create.bundle_invalid('The body is empty; send the bundle as a tar.gz.');

  const upload = watched(body);
  const put = (bytes: AsyncIterable<Uint8Array>) =>
    blobs.put(blobKey, bytes, { maxBytes, signal: incoming.signal }).catch((error: unknown) => {
      const isTooLarge = error instanceof ReactorError && error.code === 'payload_too_large';
      throw isTooLarge ? tooLarge(maxBytes) : error;
    });
  const received: { blob?: StoredBlob } = {};
  try {
    if (isForm) {
      const onBundle = async (bytes: AsyncIterable<Uint8Array>) => {
        received.blob = await put(bytes);
      };
      const { sha256 } = await readMultipart(upload.bytes, contentType, onBundle, incoming.signal);
      if (received.blob === undefined) {
        throw coreErrors.create.invalid_request('The form needs a part "bundle" that holds the tar.gz.');
      }
      assertAnnounced(sha256, received.blob);
    } else {
      received.blob = await put(upload.bytes);
      if (length !== undefined && length !== received.blob.size) throw brokeOff();
    }
    return received.blob;
  } catch (error) {
    if (received.blob !== undefined) await blobs.delete(blobKey);
    throw upload.brokeOff() || incoming.signal.aborted ? brokeOff(error) : error;
  }
}

/** The same bytes, and whether they ended with an error of their own. Who stops reading them does not wait for more. */
function watched(body: AsyncIterable<Uint8Array>) {
  const chunks = body[Symbol.asyncIterator]();
  let failed = false;
  const bytes: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          return await chunks.next();
        } catch (error) {
          failed = true;
          throw error;
        }
      },
      async return() {
        chunks.return?.().catch(() => {});
        return { done: true, value: undefined };
      },
    }),
  };
  return { bytes, brokeOff: () => failed };
}

function assertAnnounced(announced: string | undefined, { sha256 }: StoredBlob): void {
  if (announced === undefined || announced.toLowerCase() === sha256) return;
  throw functionsErrors.create.bundle_invalid('The bundle is not the announced one: its sha256 is another.', {
    details: [{ message: `sha256 of the bundle: ${sha256}` }],
  });
}

/** What would be stored is not what the client means by it. */
function refuseEncodings(headers: Headers): void {
  const encoding = headers.get('Content-Encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw coreErrors.create.unsupported_media_type('Content-Encoding is not accepted; send the tar.gz as it is.');
  }
}

/** @throws ReactorError `invalid_request` (400) */
function parseLength(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (!/^\d+$/.test(header)) throw coreErrors.create.invalid_request('Content-Length must be a number of bytes.');
  return Number(header);
}

function tooLarge(maxBytes: number) {
  return functionsErrors.create.bundle_too_large(`A bundle must have at most ${maxBytes} bytes.`, {
    details: { bundle_max_bytes: maxBytes },
    // The rest of the body would have to be read.
    headers: { Connection: 'close' },
  });
}

function brokeOff(cause?: unknown) {
  return functionsErrors.create.bundle_invalid('The upload broke off; nothing was stored.', { cause });
}
