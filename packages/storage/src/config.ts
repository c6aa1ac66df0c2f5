import { defineSection } from '@reactor/core';
import { z } from 'zod';

/** What `createStorage` needs to know. */
export interface StorageConfig {
  /** Largest accepted object in bytes; a larger upload is answered 413. */
  readonly maxUploadBytes: number;
}

/** Where the bytes of objects can be kept: what `storage.backend` accepts. */
export const STORAGE_BACKENDS = ['fs'] as const;

const schema = z.strictObject({
  backend: z
    .literal(STORAGE_BACKENDS, `must be ${STORAGE_BACKENDS.map((name) => `"${name}"`).join(' or ')}`)
    .default('fs')
    .describe('Where the bytes of objects are kept: `fs`, the folder `blobs` of the state directory.'),
  max_upload_bytes: z
    .int(`must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`)
    .min(1, 'must be at least 1')
    // 100 MiB, as the public contract has it.
    .default(104_857_600)
    .describe('Largest accepted object in bytes.'),
});

/** The `[storage]` section of Reactor.toml. `backend` is for the code that makes the blob store: the server. */
export const storageSection = defineSection({
  name: 'storage',
  schema,
  toConfig: ({ max_upload_bytes }): StorageConfig => ({ maxUploadBytes: max_upload_bytes }),
});

/**
 * Reads the `[storage]` section of Reactor.toml.
 * @throws ConfigError naming every bad key by its path (`storage.max_upload_bytes`) and what is accepted there
 */
export const parseStorageConfig = storageSection.parse;
