import { join } from 'node:path';
import { coreErrors } from '@reactor/core';

/** No character of it may appear in a key, so no blob can take its place. */
export const TEMPORARY_FOLDER = '+tmp';

/**
 * Ends every file that is a whole blob. Without it `a` and `a/b` could not both exist: a file system has either a file
 * or a folder of one name.
 */
export const BLOB_SUFFIX = '+blob';

const SEGMENT = /^[A-Za-z0-9._-]+$/;
/** Room for the suffix below the 255 bytes that file systems allow for a name. */
const MAX_SEGMENT_LENGTH = 240;
/** Room for the root below the 4096 bytes that Linux allows for a path, 1024 on macOS. */
const MAX_KEY_LENGTH = 768;

/**
 * The segments of a blob key.
 * @throws ReactorError `invalid_request` (400) for a key of another form than core's `BlobStore` describes
 */
export function blobKeySegments(key: string): readonly string[] {
  const segments = key.split('/');
  if (key.length > MAX_KEY_LENGTH || !segments.every(isSegment)) {
    throw coreErrors.create.invalid_request(
      `The blob key ${JSON.stringify(key.slice(0, 100))} is not of the form segment(/segment)* with segments of ` +
        `A-Z a-z 0-9 . _ - that are neither "." nor ".." (at most ${MAX_SEGMENT_LENGTH} characters each, ${MAX_KEY_LENGTH} in all).`,
    );
  }
  return segments;
}

/** Where a blob lies below `root`. Throws as `blobKeySegments` does. */
export function blobPath(root: string, key: string): string {
  return join(root, ...blobKeySegments(key)) + BLOB_SUFFIX;
}

function isSegment(segment: string): boolean {
  return segment.length <= MAX_SEGMENT_LENGTH && SEGMENT.test(segment) && segment !== '.' && segment !== '..';
}
