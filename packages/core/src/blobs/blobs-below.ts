import type { BlobContent, BlobInfo, BlobStore } from './blob-store.js';

/**
 * The part of a store below `prefix`, as a store of its own: several tenants share one place, and none can name a blob of
 * another. Health, probes, metrics and what writes have left behind are those of the whole.
 * @param prefix `segment(/segment)*`
 */
export function blobsBelow(store: BlobStore, prefix: string): BlobStore {
  const whole = (key: string) => `${prefix}/${key}`;
  const own = <T extends BlobInfo | BlobContent>(info: T): T => ({ ...info, key: info.key.slice(prefix.length + 1) });
  return {
    put: (key, body, options) => store.put(whole(key), body, options),
    async get(key, range) {
      const blob = await store.get(whole(key), range);
      return blob && own(blob);
    },
    async head(key) {
      const blob = await store.head(whole(key));
      return blob && own(blob);
    },
    delete: (key) => store.delete(whole(key)),
    async *list(folder) {
      for await (const blob of store.list(folder === '' ? prefix : whole(folder))) yield own(blob);
    },
    sweepTemporary: (olderThanMs) => store.sweepTemporary(olderThanMs),
    prepare: () => store.prepare(),
    check: (signal) => store.check(signal),
    probes: store.probes,
    metrics: store.metrics,
  };
}
