/** One file of an archive. */
export interface ArchiveEntry {
  /** Relative, with `/` between its segments: `assets/app.js`. */
  readonly path: string;
  /** Bytes of `body`. */
  readonly size: number;
  /** Can be read once. Read one from `readArchive` before the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Limits of an archive. */
export interface ArchiveLimits {
  /** Of the archive as it comes, compressed. */
  readonly maxArchiveBytes: number;
  /** Of what it unpacks to, the headers and the padding between the files included. */
  readonly maxUnpackedBytes: number;
  /** How many times as large as itself it may unpack; looked at beyond the first MiB. */
  readonly maxRatio: number;
  /** Files and folders. */
  readonly maxEntries: number;
  /** In UTF-8. */
  readonly maxPathBytes: number;
  /** Segments of a path. */
  readonly maxPathDepth: number;
}
