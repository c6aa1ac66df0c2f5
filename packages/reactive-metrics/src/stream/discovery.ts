import { type Tags, tagsOf } from '../tags.js';

// Registered, so that two copies of this package in one process read each other's names.
const METADATA = Symbol.for('@reactor/reactive-metrics.metadata');

/** What `name` and `tag` left on a stream, and the stream they were applied to. */
export interface StreamMetadata {
  readonly name?: string;
  readonly tags: Tags;
  readonly origin: object;
}

/** Attaches metadata to a stream that was made for it. */
export function annotate<S extends object>(stream: S, metadata: StreamMetadata): S {
  return Object.defineProperty(stream, METADATA, { value: metadata });
}

/** The metadata of this very stream, not of what is above it. */
export function metadataOf(stream: object): StreamMetadata | undefined {
  return (stream as { [METADATA]?: StreamMetadata })[METADATA];
}

/** What a chain of operators says about itself. */
export interface Discovered {
  readonly name: string | undefined;
  readonly tags: Tags;
  /** `false` when the stream does not show what it was made from, so that names above it may have been missed. */
  readonly inspectable: boolean;
}

/**
 * Walks from `stream` towards its source over our metadata and the `source` field RxJS operators leave.
 * The nearest name wins; tags add up, nearer ones winning on equal keys.
 */
export function discover(stream: object): Discovered {
  let name: string | undefined;
  const tags: Tags[] = [];
  const seen = new Set<object>();
  let inspectable = true;
  try {
    let node: unknown = stream;
    while (typeof node === 'object' && node !== null && !seen.has(node)) {
      seen.add(node);
      const metadata = metadataOf(node);
      if (metadata !== undefined) {
        name ??= metadata.name;
        tags.push(metadata.tags);
      }
      inspectable = metadata !== undefined || typeof (node as { lift?: unknown }).lift === 'function';
      node = metadata === undefined ? (node as { source?: unknown }).source : metadata.origin;
    }
  } catch {
    // A getter of a foreign stream threw: what was found so far stands.
    inspectable = false;
  }
  return { name, tags: tagsOf(...tags.reverse()), inspectable };
}
