import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@reactor/testing';
import { expect, it, onTestFinished } from 'vitest';
import { readAtOnce } from './read-file.js';

it('does not take a file that ends early for a short one', async () => {
  const path = join(await temporaryDirectory(), 'file');
  await writeFile(path, '0123');
  const file = await open(path);
  onTestFinished(() => file.close());
  await expect(readAtOnce(file, 1, 5)).rejects.toMatchObject({
    code: 'blob_damaged',
    status: 500,
    cause: { message: 'the file ends at byte 4, 1 before its end' },
  });
});
