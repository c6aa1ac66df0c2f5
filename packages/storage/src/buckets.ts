import { storageErrors } from './errors.js';

/** A named set of objects. */
export interface Bucket {
  /** UUIDv7. */
  readonly id: string;
  readonly slug: string;
  /** Whether anybody may read its objects. */
  readonly isPublic: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const SLUG = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const MAX_SLUG_LENGTH = 63;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Words that the client libraries of the contract put in the place of a bucket, below `/object/`. */
const RESERVED: ReadonlySet<string> = new Set(['list', 'sign', 'public', 'move', 'copy']);

/** A bucket as a path names it: by slug or by id. Undefined for what can be neither. */
export function parseBucketRef(ref: string): { readonly id: string } | { readonly slug: string } | undefined {
  if (UUID.test(ref)) return { id: ref.toLowerCase() };
  return isSlug(ref) ? { slug: ref } : undefined;
}

/** @throws ReactorError `invalid_bucket_name` (400) */
export function assertNewSlug(slug: string): void {
  if (!isSlug(slug)) {
    throw storageErrors.create.invalid_bucket_name(
      `A bucket's slug has 1 to ${MAX_SLUG_LENGTH} characters a-z 0-9 - and neither begins nor ends with a hyphen.`,
    );
  }
  if (UUID.test(slug)) {
    throw storageErrors.create.invalid_bucket_name("A bucket's slug must not have the form of a UUID: ids have it.");
  }
  if (RESERVED.has(slug)) {
    throw storageErrors.create.invalid_bucket_name(`These slugs are reserved: ${[...RESERVED].join(', ')}.`);
  }
}

/** The same words wherever it is found out. */
export function bucketNotFound() {
  return storageErrors.create.bucket_not_found('There is no such bucket.');
}

/** Whether a bucket can have this slug, reserved words aside. */
export function isSlug(value: string): boolean {
  return value.length <= MAX_SLUG_LENGTH && SLUG.test(value);
}
