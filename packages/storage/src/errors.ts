import { defineErrors } from '@reactor/core';

/** Codes that only storage answers, beside those of core, `blobErrors` among them. */
export const storageErrors = defineErrors({
  invalid_bucket_name: {
    status: 400,
    when: 'The slug of a new bucket does not match `[a-z0-9]([a-z0-9-]*[a-z0-9])?` with 1 to 63 characters, has the form of a UUID, or is reserved.',
  },
  incomplete_body: { status: 400, when: 'The body of an upload ended before the length that was announced.' },
  bucket_not_found: { status: 404, when: 'There is no bucket of this slug or id.' },
  object_not_found: { status: 404, when: 'There is no object under this key, or none that the caller may see.' },
  bucket_exists: { status: 409, when: 'Another bucket has the slug.' },
  bucket_not_empty: { status: 409, when: 'The bucket to delete holds objects and `cascade=true` was not asked for.' },
  precondition_failed: {
    status: 412,
    when: '`If-Match` or `If-None-Match` does not hold for the object as it is now.',
  },
  object_too_large: { status: 413, when: 'The upload is larger than `storage.max_upload_bytes`.' },
  blob_missing: {
    status: 500,
    when: 'The object is on record but its bytes are not in the blob store; doctor names the cause.',
  },
});
