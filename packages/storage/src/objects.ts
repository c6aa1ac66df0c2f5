import { type BlobContent, type BlobRange, type Principal, ReactorError, uuidv7 } from '@reactor/core';
import { assertDeletable, assertReadable, assertWritable, type Caller, newOwner } from './access.js';
import { bucketNotFound, isSlug } from './buckets.js';
import { storageErrors } from './errors.js';
import { assertPreconditions, type Preconditions } from './http/preconditions.js';
import type { DownloadEnd, MeteredBlobs } from './metered-blobs.js';
import type { ObjectLedger } from './store/ledger.js';
import type { ObjectStore } from './store/objects.js';
import type { StoredObject } from './stored-object.js';

/** What an upload brings. */
export interface Upload {
  readonly body: AsyncIterable<Uint8Array>;
  readonly contentType: string;
  /** The announced length in bytes, where one was. */
  readonly length: number | undefined;
  readonly preconditions: Preconditions;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
}

export interface ObjectsOptions {
  readonly store: ObjectStore;
  readonly ledger: Pick<ObjectLedger, 'folder'>;
  readonly blobs: MeteredBlobs;
  readonly maxUploadBytes: number;
}

/** The strong entity tag of an object, quoted. */
export function entityTag(object: StoredObject): string {
  return `"${object.sha256}"`;
}

/** The last digits are random, the first are the time: by them, blobs spread over 256 folders. */
function newBlobKey(folder: string): string {
  const id = uuidv7();
  return `${folder}/${id.slice(-2)}/${id}`;
}

/** Objects in buckets: who may do what, and in which order bytes and rows change. */
export class Objects {
  readonly #options: ObjectsOptions;

  constructor(options: ObjectsOptions) {
    this.#options = options;
  }

  /** @throws ReactorError as `assertReadable` does */
  async find(principal: Principal, slug: string, key: string): Promise<StoredObject & { readonly isPublic: boolean }> {
    const { bucket, object } = await this.#locate(slug, key);
    return { ...assertReadable(principal, bucket, object), isPublic: bucket?.isPublic === true };
  }

  /**
   * Its bytes; undefined when they are not there, which a replacement meanwhile explains as well as a loss.
   * @throws ReactorError `blob_damaged` (500)
   */
  open(
    object: StoredObject,
    range: BlobRange | undefined,
    onEnd: (end: DownloadEnd) => void,
  ): Promise<BlobContent['body'] | undefined> {
    return this.#options.blobs.get(object.blobKey, object.sizeBytes, range, onEnd);
  }

  /**
   * Stores an object whole or not at all. Readers of the former version keep reading it.
   * @throws ReactorError `bucket_not_found` (404), `forbidden` (403), `precondition_failed` (412),
   *   `object_too_large` (413), `incomplete_body` (400), `storage_unavailable` (503), `insufficient_storage` (507)
   */
  async put(caller: Caller, slug: string, key: string, upload: Upload): Promise<StoredObject> {
    const { store, ledger, maxUploadBytes } = this.#options;
    const { bucket, object } = await this.#locate(slug, key);
    if (bucket === undefined) throw bucketNotFound();
    const admit = (current: StoredObject | undefined) => {
      assertWritable(caller, current);
      assertPreconditions(upload.preconditions, current && entityTag(current));
    };
    // Asked twice: now, to save the client a useless upload, and with the row locked, to be right.
    admit(object);
    if ((upload.length ?? 0) > maxUploadBytes) throw tooLarge(maxUploadBytes);

    const blobKey = newBlobKey(await ledger.folder());
    const { size, sha256 } = await this.#receive(blobKey, upload);
    try {
      if (upload.length !== undefined && upload.length !== size) throw incomplete(upload.length, size);
      const version = {
        id: uuidv7(),
        blobKey,
        contentType: upload.contentType,
        sizeBytes: size,
        sha256,
        ownerId: newOwner(caller),
      };
      return await store.replace(bucket.id, key, version, admit);
    } catch (error) {
      // After any other error the commit may have gone through, and the blob be in use: the sweeper will tell.
      if (error instanceof ReactorError && error.status < 500) await this.#options.blobs.delete(blobKey);
      throw error;
    }
  }

  /** @throws ReactorError as `assertDeletable` does, `precondition_failed` (412) */
  async delete(caller: Caller, slug: string, key: string, preconditions: Preconditions): Promise<void> {
    const { bucket } = await this.#locate(slug, key);
    if (bucket === undefined) throw bucketNotFound();
    await this.#options.store.delete(bucket.id, key, (current) => {
      const object = assertDeletable(caller, bucket, current);
      assertPreconditions(preconditions, entityTag(object));
      return object;
    });
  }

  async #locate(slug: string, key: string) {
    // What cannot be a slug is not looked up: PostgreSQL refuses some text, NUL for one.
    return isSlug(slug) ? this.#options.store.find(slug, key) : { bucket: undefined, object: undefined };
  }

  async #receive(blobKey: string, { body, signal }: Upload) {
    const { blobs, maxUploadBytes } = this.#options;
    let brokeOff = false;
    async function* received() {
      try {
        yield* body;
      } catch (error) {
        brokeOff = true;
        throw error;
      }
    }
    try {
      return await blobs.put(blobKey, received(), { maxBytes: maxUploadBytes, signal });
    } catch (error) {
      if (brokeOff || signal.aborted) {
        throw storageErrors.create.incomplete_body('The upload broke off; nothing was stored.', { cause: error });
      }
      const isTooLarge = error instanceof ReactorError && error.code === 'payload_too_large';
      throw isTooLarge ? tooLarge(maxUploadBytes) : error;
    }
  }
}

function tooLarge(maxUploadBytes: number) {
  return storageErrors.create.object_too_large(`An object must have at most ${maxUploadBytes} bytes.`, {
    details: { max_upload_bytes: maxUploadBytes },
  });
}

function incomplete(announced: number, received: number) {
  return storageErrors.create.incomplete_body(
    `The body had ${received} bytes, and Content-Length said ${announced}; nothing was stored.`,
  );
}
