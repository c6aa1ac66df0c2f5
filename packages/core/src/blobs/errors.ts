import { defineErrors } from '../errors.js';

/** Codes that a blob store answers, and so everybody who keeps bytes in one. */
export const blobErrors = defineErrors({
  blob_exists: { status: 409, when: 'The blob store has other bytes under the key, which are never replaced.' },
  range_not_satisfiable: {
    status: 416,
    when: 'The byte range of the request lies outside of the blob; where an object was asked for, `Content-Range` says its size.',
  },
  blob_damaged: {
    status: 500,
    when: 'What the blob store has is not what was stored: it has another length, or is not a file; doctor names it.',
  },
  storage_unavailable: {
    status: 503,
    when: 'The blob store cannot be read or written: its folder is gone, read-only or out of reach.',
  },
  insufficient_storage: { status: 507, when: 'The blob store is full; nothing of the upload was kept.' },
});
