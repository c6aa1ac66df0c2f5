import type { DoctorProbe, ProbeResult } from '@reactor/core';
import type { Settings } from './config/settings.js';

/** What to say where the configuration file has settings and no capability; undefined where there is one. */
export function nothingMounted({ loaded: { file, capabilities }, available }: Settings) {
  if (capabilities.length > 0) return undefined;
  const sections = available.map(({ section }) => `[${section.name}]`);
  return {
    message: `no capability is mounted: ${file} has no section of one`,
    remedy: `Add ${sections.join(', ')} to ${file}, those you want, and start again; without a file all of them run.`,
  };
}

/** The same as a finding of doctor, where no capability has a probe that could speak. */
export function nothingMountedProbes(settings: Settings): readonly DoctorProbe[] {
  const nothing = nothingMounted(settings);
  if (nothing === undefined) return [];
  const result: ProbeResult = { status: 'warn', code: 'no_capability', ...nothing };
  return [{ name: 'capabilities', timeoutMs: 100, run: async () => result }];
}
