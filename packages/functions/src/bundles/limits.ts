import type { ArchiveLimits } from '@reactor/archive';

/** What a bundle may be, whatever the configuration says of its size as it comes. */
export const BUNDLE_LIMITS: Omit<ArchiveLimits, 'maxArchiveBytes'> = {
  // Ten times the default size of a bundle; JavaScript packs to a fifth or a quarter.
  maxUnpackedBytes: 500 * 1024 * 1024,
  // Source code packs to a tenth at best, and deflate cannot do more than a thousandth.
  maxRatio: 100,
  // The `node_modules` of a large app has some 30 000.
  maxEntries: 50_000,
  // Below the 1024 that macOS allows for a whole path, of which the folder of the cache needs a part.
  maxPathBytes: 768,
  // Nested `node_modules` take two segments a level.
  maxPathDepth: 64,
};
