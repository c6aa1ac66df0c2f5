import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeArchive } from '../src/index.js';
import { Paths } from '../src/paths.js';
import { entriesOf } from './support/entries.js';
import { collect, read, readText } from './support/read.js';
import { block, GNU_MAGIC, pax, tar } from './support/tar.js';

const segment = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', ' '), minLength: 1, maxLength: 4 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
  fc.constant('x'.repeat(101)),
);
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
const files = fc.array(fc.tuple(path, fc.uint8Array({ maxLength: 1_100 })), { maxLength: 8 }).map((entries) => {
  const paths = new Paths();
  return entries.filter(([name]) => {
    try {
      paths.add(name, 'file');
      return true;
    } catch {
      return false;
    }
  });
});

/** In an order that integer-like names do not change. */
async function* toEntries(entries: readonly (readonly [string, Uint8Array])[]) {
  for (const [name, content] of entries) yield* entriesOf({ [name]: content });
}

test('what is written is read, byte for byte, in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 2_000 }), async (entries, chunkSize) => {
      const archive = await collect(writeArchive(toEntries(entries)));
      const found = await read(archive, { chunkSize, limits: { maxRatio: 10_000, maxPathBytes: 1_000 } });
      expect(new Map(Object.entries(found).map(([name, bytes]) => [name, bytes.toString('hex')]))).toEqual(
        new Map(entries.map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')])),
      );
    }),
    { numRuns: 200 },
  );
});

/** Made of what has a meaning in paths. */
const oddPath = fc
  .array(fc.oneof(fc.constantFrom('/', '.', '..', '\\', 'C:', '\0', '\n', '//', './', '\u0308', '\ufffd'), segment), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

test('a path is read as it stands or refused, never changed, however it is written', async () => {
  await fc.assert(
    fc.asyncProperty(oddPath, fc.constantFrom('name', 'long name', 'pax'), async (name, way) => {
      const entries = {
        name: [{ name }],
        'long name': [
          { name: 'L', type: 'L', content: `${name}\0`, magic: GNU_MAGIC },
          { name: 'short', magic: GNU_MAGIC },
        ],
        pax: [pax({ path: name }), { name: 'short' }],
      }[way];
      const given = way === 'name' ? name.slice(0, 100) : name;
      fc.pre(way !== 'name' || Buffer.byteLength(name) <= 100);
      const outcome = await read(gzipSync(tar(...entries)), { limits: { maxPathBytes: 2_000 } }).catch(
        (error) => error.code,
      );
      if (typeof outcome === 'string') expect(outcome).toBe('archive_invalid');
      else expect(Object.keys(outcome)).toEqual([given.replace(/^\.\//, '').replace(/\0+$/, '')]);
      for (const found of typeof outcome === 'string' ? [] : Object.keys(outcome)) {
        expect(found).not.toMatch(/^\/|\\|\0|\n|(?:^|\/)(?:|\.|\.\.)(?:\/|$)|^[A-Za-z]:/);
      }
    }),
    { numRuns: 500 },
  );
});

const sample = collect(writeArchive(entriesOf({ 'a.txt': 'A'.repeat(700), [`b/${'x'.repeat(120)}`]: 'B', 'c/ü': '' })));

test('cut anywhere, as gzip or as tar, it is refused', async () => {
  const archive = await sample;
  const unpacked = gunzipSync(archive);
  const whole: string[] = [];
  const cuts = [
    ...Array.from({ length: archive.length }, (_, end) => archive.subarray(0, end)),
    ...Array.from({ length: unpacked.length }, (_, end) => end)
      // Each side of each block, and some within.
      .filter((end) => (end + 1) % 512 < 3 || end % 29 === 0)
      .map((end) => gzipSync(unpacked.subarray(0, end))),
  ];
  for (const [at, cut] of cuts.entries()) {
    const outcome = await read(cut).catch((error) => error.code);
    if (outcome !== 'archive_invalid') whole.push(`${at}: ${JSON.stringify(outcome)}`);
  }
  expect(whole).toEqual([]);
});

test('with any bytes of its tar changed, it is read or refused, and never breaks', async () => {
  const unpacked = gunzipSync(await sample);
  const change = fc.tuple(fc.nat(unpacked.length - 1), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const copy = Buffer.from(unpacked);
      for (const [at, value] of changes) copy[at] = value;
      const outcome = await read(gzipSync(copy)).catch((error) => error.code ?? error);
      if (typeof outcome === 'object') expect(Object.keys(outcome).length).toBeLessThanOrEqual(3);
      else expect(outcome).toMatch(/^archive_(?:invalid|too_large)$/);
    }),
    { numRuns: 500 },
  );
});

/** A place in a header; another size or type is rightly another archive. */
const place = fc.nat(511).filter((at) => (at < 124 || at >= 136) && at !== 156);

test('with any byte of a header changed to a right checksum, nothing is taken for what it is not', async () => {
  await fc.assert(
    fc.asyncProperty(place, fc.nat(255), async (at, value) => {
      const patch = (header: Buffer) => void header.writeUInt8(value, at);
      const archive = gzipSync(
        Buffer.concat([block({ name: 'a', content: 'A', patch }), tar({ name: 'b', content: 'B' })]),
      );
      const outcome = await readText(archive).catch((error) => error.code);
      if (typeof outcome === 'string') {
        expect(outcome).toMatch(/^archive_(?:invalid|too_large)$/);
      } else {
        expect(outcome).toMatchObject({ b: 'B' });
        expect(Object.keys(outcome)).toHaveLength(2);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('bytes that are no archive are refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), async (bytes) => {
      for (const archive of [bytes, gzipSync(bytes)]) {
        const code = await read(archive).then(
          () => 'read',
          (error) => error.code,
        );
        expect(code).toMatch(/^archive_/);
      }
    }),
  );
});
