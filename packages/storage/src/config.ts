import { z } from 'zod';

/** What `[storage]` of Reactor.toml says, with the defaults filled in. */
export interface StorageConfig {
  /** Where bytes are kept. The folder itself comes with the blob store that the caller makes. */
  readonly backend: 'fs';
  /** Largest accepted object in bytes; a larger upload is answered 413. */
  readonly maxUploadBytes: number;
}

/** 100 MiB, the limit of the public contract. */
const DEFAULT_MAX_UPLOAD_BYTES = 104_857_600;

/** The `[storage]` section, by key as in Reactor.toml. */
export const storageConfigSchema = z.strictObject({
  backend: z.literal('fs', { error: 'must be "fs"' }).default('fs').describe('Where bytes are kept: the filesystem.'),
  max_upload_bytes: z
    .number({ error: 'must be a number of bytes' })
    .int('must be a whole number of bytes')
    .min(1, 'must be at least 1')
    .max(Number.MAX_SAFE_INTEGER, `must be at most ${Number.MAX_SAFE_INTEGER}`)
    .default(DEFAULT_MAX_UPLOAD_BYTES)
    .describe('Largest accepted object.'),
});

/**
 * Reads the `[storage]` section; `{}` and undefined give the defaults.
 * @throws Error whose message has one line per problem, each beginning with the key path: `storage.max_upload_bytes: …`
 */
export function parseStorageConfig(section: unknown): StorageConfig {
  const parsed = storageConfigSchema.safeParse(section ?? {});
  if (!parsed.success) throw new Error(parsed.error.issues.map(describe).join('\n'));
  return { backend: parsed.data.backend, maxUploadBytes: parsed.data.max_upload_bytes };
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(storageConfigSchema.shape).join(', ');
    return issue.keys.map((key) => `storage.${key}: unknown key; known keys are ${known}`).join('\n');
  }
  return `${['storage', ...issue.path.map(String)].join('.')}: ${issue.message}`;
}
