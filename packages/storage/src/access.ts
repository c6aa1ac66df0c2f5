import { coreErrors, type Principal } from '@reactor/core';
import { type Bucket, bucketNotFound } from './buckets.js';
import { storageErrors } from './errors.js';

/** A known caller: a user or the operator. */
export type Caller = Exclude<Principal, { kind: 'anonymous' }>;

interface Owned {
  /** Null when the operator created it. */
  readonly ownerId: string | null;
}

/** @throws ReactorError `unauthorized` (401) when nobody is signed in */
export function requireKnown(principal: Principal): Caller {
  if (principal.kind !== 'anonymous') return principal;
  throw coreErrors.create.unauthorized('This needs a bearer token, unless the bucket is public and you read from it.', {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

/**
 * The object, when `principal` may read it. Nobody learns of what they may not see: to an anonymous caller a private
 * bucket and no bucket look the same, to a user another user's object and no object.
 * @throws ReactorError `unauthorized` (401), `bucket_not_found` (404), `object_not_found` (404)
 */
export function assertReadable<T extends Owned>(
  principal: Principal,
  bucket: Bucket | undefined,
  object: T | undefined,
): T {
  if (bucket?.isPublic !== true) requireKnown(principal);
  if (bucket === undefined) throw bucketNotFound();
  if (object === undefined || !(bucket.isPublic || isOwn(principal, object))) throw objectNotFound();
  return object;
}

/**
 * Any user may add objects to a bucket; replacing one is for its owner and the operator.
 * @throws ReactorError `forbidden` (403)
 */
export function assertWritable(caller: Caller, object: Owned | undefined): void {
  if (object !== undefined && !isOwn(caller, object)) {
    throw coreErrors.create.forbidden('An object under this key belongs to someone else.');
  }
}

/**
 * The object, when `caller` may delete it: its owner or the operator.
 * @throws ReactorError `bucket_not_found` (404), `object_not_found` (404) for what they may not even see, else
 *   `forbidden` (403)
 */
export function assertDeletable<T extends Owned>(caller: Caller, bucket: Bucket | undefined, object: T | undefined): T {
  const readable = assertReadable(caller, bucket, object);
  assertWritable(caller, readable);
  return readable;
}

/** Whose objects a listing of `bucket` shows to `caller`: a user's id, or undefined for everybody's. */
export function listedOwner(caller: Caller, bucket: Bucket): string | undefined {
  return caller.kind === 'system' || bucket.isPublic ? undefined : caller.id;
}

/** Whom a new object belongs to. */
export function newOwner(caller: Caller): string | null {
  return caller.kind === 'system' ? null : caller.id;
}

function isOwn(principal: Principal, object: Owned): boolean {
  return principal.kind === 'system' || (principal.kind === 'user' && principal.id === object.ownerId);
}

function objectNotFound() {
  return storageErrors.create.object_not_found('There is no such object.');
}
