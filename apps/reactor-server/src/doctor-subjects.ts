import type { DoctorProbe } from '@reactor/core';
import type { DoctorSubject } from '@reactor/observability';
import { type MigrationSet, migrationsProbe } from '@reactor/postgres';
import type { Settings } from './config/settings.js';
import { nothingMountedProbes } from './nothing-mounted.js';
import type { Assembly } from './platform.js';

/**
 * Whose probes the doctor runs: every capability's, and those of the server itself.
 * @param assembly undefined while the database is not opened yet
 */
export function doctorSubjects(settings: Settings, assembly: Assembly | undefined): readonly DoctorSubject[] {
  const own = [...nothingMountedProbes(settings), ...(assembly?.databaseProbes ?? [])];
  return [
    ...(assembly === undefined ? [] : capabilitySubjects(assembly)),
    ...(own.length === 0 ? [] : [{ name: 'server' as const, probes: own }]),
  ];
}

/** With `migrations` among them: whether what the server applies for a capability is applied. */
function capabilitySubjects({ capabilities, database, migrationSets }: Assembly): readonly DoctorSubject[] {
  const setsOf = (name: string): readonly MigrationSet[] => migrationSets.filter(({ owner }) => owner === name);
  return capabilities.map(({ name, probes }) => {
    const own = setsOf(name);
    if (own.length === 0) return { name, probes };
    const schema = migrationsProbe(database, own);
    const others = probes.filter((probe) => probe.name !== schema.name);
    const app = probes.find((probe) => probe.name === schema.name);
    return { name, probes: [...others, app === undefined ? schema : inTurn(schema, app)] };
  });
}

/** One probe for two of the same name: the second is asked when the first finds nothing. */
function inTurn(first: DoctorProbe, second: DoctorProbe): DoctorProbe {
  return {
    ...first,
    timeoutMs: first.timeoutMs + second.timeoutMs,
    async run(signal) {
      const before = await first.run(signal);
      if (before.status !== 'ok') return before;
      const after = await second.run(signal);
      if (after.status !== 'ok') return after;
      return { status: 'ok', message: [before.message, after.message].filter(Boolean).join('; ') };
    },
  };
}
