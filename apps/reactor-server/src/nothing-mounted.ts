import type { DoctorProbe, ProbeResult } from '@reactor/core';
import { capabilitySchemas } from './capabilities.js';
import type { LoadedConfig } from './config/load.js';

/** What to say where the configuration file has settings and no capability; undefined where there is one. */
export function nothingMounted({ file, capabilities }: LoadedConfig) {
  if (capabilities.length > 0) return undefined;
  const sections = Object.keys(capabilitySchemas()).map((name) => `[${name}]`);
  return {
    message: `no capability is mounted: ${file} has no section of one`,
    remedy: `Add ${sections.join(', ')} to ${file}, those you want, and start again; without a file all of them run.`,
  };
}

/** The same as a finding of doctor, where no capability has a probe that could speak. */
export function nothingMountedProbes(loaded: LoadedConfig): readonly DoctorProbe[] {
  const nothing = nothingMounted(loaded);
  if (nothing === undefined) return [];
  const result: ProbeResult = { status: 'warn', code: 'no_capability', ...nothing };
  return [{ name: 'capabilities', timeoutMs: 100, run: async () => result }];
}
