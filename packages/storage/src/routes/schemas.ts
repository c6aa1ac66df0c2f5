import { z } from '@hono/zod-openapi';
import type { Bucket } from '../buckets.js';
import type { StoredObject } from '../stored-object.js';

/** A bucket on the wire. Clients of the contract use either spelling of two fields; both are answered. */
export const bucketSchema = z
  .object({
    id: z.uuid(),
    slug: z.string(),
    name: z.string().describe('The same as `slug`.'),
    is_public: z.boolean(),
    public: z.boolean().describe('The same as `is_public`.'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi('Bucket');

/** An object on the wire. */
export const objectSchema = z
  .object({
    id: z.uuid().describe('The same for all versions of the object.'),
    bucket: z.string(),
    key: z.string(),
    size: z.int().describe('Bytes.'),
    etag: z.string().describe('SHA-256 of the bytes in lower-case hex; quoted, it is the entity tag.'),
    content_type: z.string(),
    owner_id: z.string().nullable().describe('The user who created it; null for the operator.'),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .openapi('Object');

export function bucketJson(bucket: Bucket): z.infer<typeof bucketSchema> {
  return {
    id: bucket.id,
    slug: bucket.slug,
    name: bucket.slug,
    is_public: bucket.isPublic,
    public: bucket.isPublic,
    created_at: bucket.createdAt.toISOString(),
    updated_at: bucket.updatedAt.toISOString(),
  };
}

export function objectJson(bucket: string, object: StoredObject): z.infer<typeof objectSchema> {
  return {
    id: object.id,
    bucket,
    key: object.key,
    size: object.sizeBytes,
    etag: object.sha256,
    content_type: object.contentType,
    owner_id: object.ownerId,
    created_at: object.createdAt.toISOString(),
    updated_at: object.updatedAt.toISOString(),
  };
}
