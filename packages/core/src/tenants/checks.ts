import type { DoctorProbe, HealthCheck, HealthResult, ProbeResult } from '../capability.js';
import type { Services } from './services.js';

/** Milliseconds, of a check of all. */
const HEALTH_TIMEOUT_MS = 500;

/** Healthy when every service is; the reasons of those that are not, each once. */
export function healthOfEach<T>(services: Services<T>, healthOf: (service: T) => HealthCheck): HealthCheck {
  return {
    timeoutMs: HEALTH_TIMEOUT_MS,
    async check(signal): Promise<HealthResult> {
      const results = await services.map((service) => healthOf(service).check(signal));
      const reasons = new Set(results.flatMap((result) => (result.status === 'ok' ? [] : [result.reason])));
      return reasons.size === 0 ? { status: 'ok' } : { status: 'error', reason: [...reasons].join('; ') };
    },
  };
}

/** The probes of the services that exist now. Of several with one name, one runs them all and tells the worst. */
export function probesOfEach<T>(
  services: Services<T>,
  probesOf: (service: T) => readonly DoctorProbe[],
): readonly DoctorProbe[] {
  const byName = new Map<string, DoctorProbe>();
  for (const service of services.each()) {
    for (const probe of probesOf(service)) byName.set(probe.name, probe);
  }
  return Array.from(byName.values(), (probe) => ({
    ...probe,
    async run(signal) {
      const outcomes = await services.map((service) =>
        Promise.allSettled(runNamed(probesOf(service), probe.name, signal)),
      );
      const results = outcomes.flat().flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      const failure = outcomes.flat().find((one) => one.status === 'rejected');
      const found = worst(results);
      // One that cannot be asked must not hide what another has found.
      if (failure !== undefined && found.status !== 'fail') throw failure.reason;
      return found;
    },
  }));
}

function runNamed(probes: readonly DoctorProbe[], name: string, signal: AbortSignal): readonly Promise<ProbeResult>[] {
  return probes.filter((probe) => probe.name === name).map((probe) => probe.run(signal));
}

const SEVERITY = { ok: 0, warn: 1, fail: 2 } as const;

function worst(results: readonly ProbeResult[]): ProbeResult {
  const [first = { status: 'ok' as const }, ...others] = results.toSorted(
    (a, b) => SEVERITY[b.status] - SEVERITY[a.status],
  );
  const alike = others.filter(({ status }) => status === first.status).length;
  if (first.status === 'ok' || alike === 0) return first;
  return { ...first, message: `${first.message} (and ${alike} more alike)` };
}
