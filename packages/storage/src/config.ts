import { z } from 'zod';

/** What `createStorage` needs to know. */
export interface StorageConfig {
  /** Where bytes are kept. The folder itself comes with the blob store that the caller makes. */
  readonly backend: 'fs';
  /** Largest accepted object in bytes; a larger upload is answered 413. */
  readonly maxUploadBytes: number;
}

/** The `[storage]` section, by key as in Reactor.toml. */
export const storageConfigSchema = z.strictObject({
  backend: z
    .literal('fs', 'must be "fs"')
    .default('fs')
    .describe('Where the bytes of objects are kept: `fs`, the folder `blobs` of the state directory.'),
  max_upload_bytes: z
    .int(`must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`)
    .min(1, 'must be at least 1')
    // 100 MiB, as the public contract has it.
    .default(104_857_600)
    .describe('Largest accepted object in bytes.'),
});

/**
 * Reads the `[storage]` section of Reactor.toml.
 * @throws Error naming every bad key by its path (`storage.max_upload_bytes`) and what is accepted there
 */
export function parseStorageConfig(section: unknown): StorageConfig {
  const parsed = storageConfigSchema.safeParse(section ?? {});
  if (!parsed.success) throw new Error(parsed.error.issues.map(describeIssue).join('; '));
  return { backend: parsed.data.backend, maxUploadBytes: parsed.data.max_upload_bytes };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(storageConfigSchema.shape).join(', ');
    return issue.keys.map((key) => `storage.${key}: unknown key; known keys: ${known}`).join('; ');
  }
  return `${['storage', ...issue.path.map(String)].join('.')}: ${issue.message}`;
}
