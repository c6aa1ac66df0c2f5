import type { DoctorProbe, HealthResult } from '../capability.js';
import type { MetricsContributor } from '../metrics/contributor.js';

/** Bytes that came in whole. */
export interface StoredBlob {
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Inclusive byte positions. */
export interface BlobRange {
  readonly start: number;
  readonly end: number;
}

/** What a store has under a key. */
export interface BlobInfo {
  readonly key: string;
  /** Bytes of the whole blob. */
  readonly size: number;
  /** Milliseconds since the Unix epoch. */
  readonly modifiedAt: number;
}

/** A blob that is being read. */
export interface BlobContent extends BlobInfo {
  /**
   * The bytes, or those of the range: few of them as they are, more as a stream that reads nothing before it is asked
   * for. Read the stream to its end or cancel it. It fails when the blob turns out to be shorter: a short body never
   * looks like a whole one.
   */
  readonly body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** How a blob is taken in. */
export interface PutOptions {
  readonly maxBytes: number;
  /** When it aborts, `put` rejects with its reason, whether `body` goes on or not. */
  readonly signal?: AbortSignal;
}

/**
 * Immutable bytes by key, for all of Reactor. A key is `segment(/segment)*` of `[A-Za-z0-9._-]`, none of them `.` or
 * `..`; another one is `invalid_request` (400). Its first segment belongs to one owner: `objects` to storage.
 */
export interface BlobStore {
  /**
   * Streams `body` in; nothing is visible under `key` until all of it is durable.
   * @throws ReactorError `blob_exists` (409) when the key is taken, which stays as it is; `payload_too_large` (413) past
   *   `maxBytes`; `storage_unavailable` (503); `insufficient_storage` (507). Whatever is thrown, nothing is kept
   */
  put(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredBlob>;
  /**
   * Undefined when there is no such blob. A range that ends behind the blob is cut.
   * @throws ReactorError `range_not_satisfiable` (416) for one that begins behind it; `blob_damaged` (500) for what is no
   *   blob, or becomes shorter while it is read; `storage_unavailable` (503)
   */
  get(key: string, range?: BlobRange): Promise<BlobContent | undefined>;
  /** As `get`, without the bytes. */
  head(key: string): Promise<BlobInfo | undefined>;
  /** Deleting what is not there is not an error. @throws ReactorError `blob_damaged` (500), `storage_unavailable` (503) */
  delete(key: string): Promise<void>;
  /**
   * Every blob below the folder `prefix`, in no order.
   * @throws ReactorError `blob_damaged` (500) for what is no folder, `storage_unavailable` (503)
   */
  list(prefix: string): AsyncIterable<BlobInfo>;
  /**
   * Removes the temporary files of writes that broke off, of any owner, unless they were written to within the
   * last `olderThanMs` milliseconds.
   * @returns how many
   * @throws ReactorError `storage_unavailable` (503)
   */
  sweepTemporary(olderThanMs: number): Promise<number>;
  /**
   * Makes what it keeps blobs in, where that is missing. Each capability that uses the store calls it as it starts, and
   * the first call does it: what vanishes later is a fault that must be seen, not hidden.
   * @throws ReactorError `storage_unavailable` (503), `insufficient_storage` (507)
   */
  prepare(): Promise<void>;
  /** Whether blobs can be written and read now. Cheap: writes nothing. Never rejects. */
  check(signal: AbortSignal): Promise<HealthResult>;
  /** One of them provides `blobs`. They work before `prepare`, too. */
  readonly probes: readonly DoctorProbe[];
  /** Of the store itself. The code that makes the store contributes them, once. */
  readonly metrics: MetricsContributor;
}
