import { ConfigError } from '@reactor/core';
import { expect, it } from 'vitest';
import { parseStorageConfig } from './config.js';

it('has defaults', () => {
  expect(parseStorageConfig(undefined)).toEqual({ maxUploadBytes: 104_857_600 });
  expect(parseStorageConfig({ backend: 'fs', max_upload_bytes: 1 })).toEqual({ maxUploadBytes: 1 });
});

it.each([
  [{ backend: 's3' }, ['storage.backend: must be "fs"']],
  [{ max_upload_bytes: 0 }, ['storage.max_upload_bytes: must be at least 1']],
  [{ max_upload_bytes: 1.5 }, ['storage.max_upload_bytes: must be a whole number from 1 to 9007199254740991']],
  [{ max_upload_bytes: '100' }, ['storage.max_upload_bytes: must be a whole number from 1 to 9007199254740991']],
  [{ max_upload_bytes: 2 ** 60 }, ['storage.max_upload_bytes: must be a whole number from 1 to 9007199254740991']],
  [{ fs_base_path: '/x' }, ['storage.fs_base_path: unknown key; known keys: backend, max_upload_bytes']],
  [
    { backend: 1, max_upload_bytes: -1 },
    ['storage.backend: must be "fs"', 'storage.max_upload_bytes: must be at least 1'],
  ],
  ['fs', ['storage: Invalid input: expected object, received string']],
])('names what is wrong in %j', (section, problems) => {
  expect(() => parseStorageConfig(section)).toThrow(new ConfigError(problems));
});
