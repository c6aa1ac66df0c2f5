import { type InspectableMeterRegistry, simpleRegistry } from '../src/index.js';
import { type ManualClock, manualClock } from '../src/testing.js';

/** A registry whose time only goes when told to. */
export function timedRegistry(): { registry: InspectableMeterRegistry; clock: ManualClock } {
  const clock = manualClock();
  return { registry: simpleRegistry(clock), clock };
}

/** Names of all registered meters, each once. */
export function meterNames(registry: InspectableMeterRegistry): string[] {
  return [...new Set(registry.meters().map((meter) => meter.name))];
}

/** Value of a counter, 0 when nobody registered it. */
export function counted(registry: InspectableMeterRegistry, name: string, tags: Record<string, string> = {}): number {
  const meter = registry.find(name, tags);
  if (meter === undefined) return 0;
  if (meter.kind !== 'counter') throw new Error(`${name} is a ${meter.kind}`);
  return meter.cell.count;
}

/** Count, total and maximum of a timer or summary. */
export function distribution(registry: InspectableMeterRegistry, name: string, tags: Record<string, string> = {}) {
  const meter = registry.find(name, tags);
  if (meter?.kind !== 'timer' && meter?.kind !== 'summary') throw new Error(`${name} is ${meter?.kind ?? 'missing'}`);
  const { count, total, max } = meter.cell;
  return { count, total, max };
}

/** Tasks in a long task timer. */
export function running(registry: InspectableMeterRegistry, name: string): number {
  const meter = registry.find(name);
  if (meter?.kind !== 'longTaskTimer') throw new Error(`${name} is ${meter?.kind ?? 'missing'}`);
  return meter.cell.activeTasks;
}

/** Flow records per `status` (errors as `error:<exception>`), of all tag sets of that name. */
export function flows(registry: InspectableMeterRegistry, prefix = 'reactor'): Record<string, number> {
  const result: Record<string, number> = {};
  for (const meter of registry.meters()) {
    if (meter.name !== `${prefix}.flow.duration` || meter.kind !== 'timer') continue;
    const exception = meter.tags.get('exception');
    const key = `${meter.tags.get('status')}${exception === '' ? '' : `:${exception}`}`;
    result[key] = (result[key] ?? 0) + meter.cell.count;
  }
  return result;
}

/** Submissions by kind, finished runs, and what is pending now. */
export function tasks(registry: InspectableMeterRegistry, prefix: string) {
  const of = (type: string) => counted(registry, `${prefix}.scheduler.tasks.submitted`, { 'submission.type': type });
  return {
    direct: of('direct'),
    delayed: of('delayed'),
    initial: of('periodic_initial'),
    iteration: of('periodic_iteration'),
    completed: distribution(registry, `${prefix}.scheduler.tasks.completed`).count,
    pending: running(registry, `${prefix}.scheduler.tasks.pending`),
  };
}
