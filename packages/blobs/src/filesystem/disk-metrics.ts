import { type MetricsContributor, metricsContributor, observedGauge, shareRuns } from '@reactor/core';
import { diskSpace } from './disk-space.js';
import { onFilesystem } from './filesystem-errors.js';

/** The file system that the folder `root` lies on. */
export function diskMetrics(root: string): MetricsContributor {
  const space = shareRuns(() => onFilesystem(diskSpace(root)));
  return metricsContributor([
    observedGauge({
      name: 'reactor_blobs_disk_free_bytes',
      help: 'Space left for blobs on the file system of the blob folder',
      moves: 'with each scrape, which asks the operating system',
      unit: 'bytes',
      aggregator: 'max',
      collect: async () => (await space()).freeBytes,
    }),
    observedGauge({
      name: 'reactor_blobs_disk_size_bytes',
      help: 'Size of the file system of the blob folder',
      moves: 'with each scrape, which asks the operating system',
      unit: 'bytes',
      aggregator: 'max',
      collect: async () => (await space()).sizeBytes,
    }),
  ]);
}
