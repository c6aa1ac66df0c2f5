import { defineSection } from '@reactor/core';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { configRows } from './config-rows.js';

test('the reference lists the keys of tables in tables, of lists, and where names are free', () => {
  const section = defineSection({
    name: 'files',
    schema: z.strictObject({
      s3: z
        .strictObject({
          bucket: z.string().describe('Its | name.'),
          retry: z.strictObject({ max: z.int().default(3) }).prefault({}),
        })
        .optional()
        .describe('Elsewhere.'),
      mirrors: z.array(z.strictObject({ url: z.string() })).optional(),
      env: z.record(z.string(), z.string()).default({}),
    }),
    devDefaults: { s3: { bucket: 'dev' } },
    toConfig: (values) => values,
  });
  expect(configRows(section)).toEqual([
    ['`files.s3`', 'table', '`{"bucket":"dev"}` in `dev`', 'Elsewhere.'],
    ['`files.s3.bucket`', 'string', '`"dev"` in `dev`', 'Its \\| name.'],
    ['`files.s3.retry`', 'table', '`{}`', ''],
    ['`files.s3.retry.max`', 'integer', '`3`', ''],
    ['`files.mirrors`', 'array', '', ''],
    ['`files.mirrors[].url`', 'string', '', ''],
    ['`files.env`', 'table', '`{}`', ''],
    ['`files.env.<name>`', 'string', '', ''],
  ]);
});

test('a table that would take unknown keys is refused', () => {
  const section = defineSection({
    name: 'files',
    schema: z.strictObject({ s3: z.object({ bucket: z.string() }) }),
    toConfig: (values) => values,
  });
  expect(() => configRows(section)).toThrow('files.s3: is no z.strictObject');
});
