import type {
  CapabilityContext,
  CapabilityDiagnosis,
  CapabilityName,
  DiagnosisStatus,
  DoctorProbe,
  DoctorReport,
} from '@reactor/core';
import type { ProbeTask } from './probe-task.js';
import { Resources } from './resources.js';
import { runProbe } from './run-probe.js';

/** Whose probes they are; the key in the report. */
export interface DoctorSubject {
  readonly name: CapabilityName;
  readonly probes: readonly DoctorProbe[];
}

export interface DoctorOptions extends CapabilityContext {
  /** Ends the run early, e.g. because the one who asked is gone. */
  readonly signal?: AbortSignal;
}

/** Well below the size of the connection pool, which the traffic needs meanwhile. */
const CONCURRENCY = 4;

/**
 * Runs every probe, those that provide a resource before those that depend on it. Where a resource has failed, its
 * dependants do not run and point to it in `caused_by`, so that an outage has one root cause in the report.
 * @throws the reason of `signal` once that aborts
 */
export async function runDoctor(subjects: readonly DoctorSubject[], options: DoctorOptions): Promise<DoctorReport> {
  const bySubject = subjects.map(({ name, probes }) => ({
    name,
    tasks: probes.map((probe): ProbeTask => ({ probe, label: `${name}/${probe.name}` })),
  }));
  const tasks = bySubject.flatMap((subject) => subject.tasks);
  const resources = new Resources(tasks);

  let pending = tasks;
  while (pending.length > 0) {
    const ready = pending.filter(({ probe }) => resources.areDecided(probe));
    // Probes that wait for each other in a circle run as if nobody had asked them to wait.
    const wave = ready.length > 0 ? ready : pending;
    await forEachConcurrently(wave, CONCURRENCY, async (task) => {
      task.check = resources.knockOn(task.probe) ?? (await runProbe(task.label, task.probe, options));
    });
    resources.foldRepeatedFailures();
    pending = pending.filter(({ check }) => check === undefined);
  }
  return Object.fromEntries(bySubject.map((subject) => [subject.name, diagnose(subject.tasks)]));
}

function diagnose(tasks: readonly ProbeTask[]): CapabilityDiagnosis {
  const checks = tasks.flatMap(({ check }) => (check === undefined ? [] : [check]));
  const has = (status: DiagnosisStatus) => checks.some((check) => check.status === status);
  return { status: has('fail') ? 'fail' : has('warn') ? 'warn' : 'ok', checks };
}

async function forEachConcurrently<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
