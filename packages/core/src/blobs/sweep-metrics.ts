import type { CapabilityName } from '../capability-name.js';
import { counter } from '../metrics/counter.js';
import type { MetricFamily } from '../metrics/family.js';
import type { SweepResult } from './sweeper.js';

/** What the sweeper of one owner did. */
export interface SweepMetrics {
  readonly families: readonly MetricFamily[];
  swept(result: SweepResult): void;
  failed(): void;
}

const KINDS = ['temporary', 'orphan', 'condemned'] as const;

/** @param owner of the blobs, whose families they are: `reactor_<owner>_sweeps_total` */
export function createSweepMetrics(owner: CapabilityName): SweepMetrics {
  const sweeps = counter({
    name: `reactor_${owner}_sweeps_total`,
    help: 'Passes of the sweeper, which removes blobs that nobody uses',
    moves: 'at the end of each pass, about once a minute',
    unit: 'none',
    labels: { result: ['ok', 'failed'] },
  });
  const files = counter({
    name: `reactor_${owner}_swept_files_total`,
    help: 'Files found by the sweeper: temporary ones of writes that broke off, orphans that were never in use, and condemned ones that it removed (orphans, and those that are no longer in use)',
    moves: 'at the end of each pass',
    unit: 'none',
    labels: { kind: KINDS },
  });
  return {
    families: [sweeps, files],
    swept(result) {
      sweeps.child({ result: 'ok' }).inc();
      for (const kind of KINDS) files.child({ kind }).inc(result[kind]);
    },
    failed: () => sweeps.child({ result: 'failed' }).inc(),
  };
}
