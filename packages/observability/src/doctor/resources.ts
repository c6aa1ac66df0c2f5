import type { DoctorCheck, DoctorProbe } from '@reactor/core';
import type { ProbeTask } from './probe-task.js';

/** What probes check for others (`database`), and its state during a run. */
export class Resources {
  readonly #providers = new Map<string, ProbeTask[]>();

  constructor(tasks: readonly ProbeTask[]) {
    for (const task of tasks) {
      const resource = task.probe.provides;
      if (resource !== undefined) this.#providers.set(resource, [...this.#providersOf(resource), task]);
    }
  }

  /** Whether everything the probe depends on has been probed; what nobody provides counts as fine. */
  areDecided(probe: DoctorProbe): boolean {
    return dependenciesOf(probe).every((resource) =>
      this.#providersOf(resource).every(({ check }) => check !== undefined),
    );
  }

  /** The check of a probe that need not run because what it depends on has failed. */
  knockOn(probe: DoctorProbe): DoctorCheck | undefined {
    const resource = dependenciesOf(probe).find((dependency) => this.#hasFailed(dependency));
    if (resource === undefined) return undefined;
    const { cause, task } = this.#rootOf(resource);
    return {
      name: probe.name,
      status: 'fail',
      message: `Not probed, because it needs ${resource}.`,
      remedy: `Repair ${task.label} first.`,
      duration_ms: 0,
      code: 'dependency_failed',
      caused_by: cause,
    };
  }

  /** Several probes may check one resource; when all of them fail, the first one counts as the cause and the others point to it. */
  foldRepeatedFailures(): void {
    for (const [resource, providers] of this.#providers) {
      if (!this.#hasFailed(resource)) continue;
      for (const task of providers.slice(1)) {
        if (task.check !== undefined && task.check.caused_by === undefined) {
          task.check = { ...task.check, caused_by: this.#rootOf(resource).cause };
        }
      }
    }
  }

  /** A resource works as soon as one of its probes passes. */
  #hasFailed(resource: string): boolean {
    const providers = this.#providersOf(resource);
    return providers.length > 0 && providers.every(({ check }) => check?.status === 'fail');
  }

  #rootOf(resource: string): { readonly cause: string; readonly task: ProbeTask } {
    const seen = new Set<string>();
    let cause = resource;
    let [task] = this.#providersOf(cause) as [ProbeTask];
    while (task.check?.caused_by !== undefined && !seen.has(cause)) {
      seen.add(cause);
      cause = task.check.caused_by;
      [task] = this.#providersOf(cause) as [ProbeTask];
    }
    return { cause, task };
  }

  #providersOf(resource: string): ProbeTask[] {
    return this.#providers.get(resource) ?? [];
  }
}

function dependenciesOf({ dependsOn = [], provides }: DoctorProbe): readonly string[] {
  return dependsOn.filter((resource) => resource !== provides);
}
