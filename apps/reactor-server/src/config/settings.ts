import { CAPABILITIES, type CapabilityEntry, checkRequirements } from '../capabilities.js';
import { type LoadedConfig, loadConfig } from './load.js';
import { DEFAULTS_WITHOUT_FILE, SERVER_SECTIONS } from './sections.js';
import { type Output, type ServerConfig, serverConfig } from './server-config.js';

export interface Settings {
  readonly loaded: LoadedConfig;
  readonly config: ServerConfig;
  /** What could be mounted. */
  readonly available: readonly CapabilityEntry[];
}

export interface SettingsSource {
  /** Parsed command line flags, by their camel-cased name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: NodeJS.ProcessEnv;
  readonly directory: string;
  readonly output: Output;
}

/**
 * The configuration of this process, completely checked: what `check-config` accepts, the server starts with.
 * @throws ConfigError
 */
export async function readSettings(
  { output, ...source }: SettingsSource,
  available: readonly CapabilityEntry[] = CAPABILITIES,
): Promise<Settings> {
  const loaded = await loadConfig({
    ...source,
    sections: SERVER_SECTIONS,
    capabilities: available.map(({ section }) => section),
    defaultsWithoutFile: DEFAULTS_WITHOUT_FILE,
  });
  checkRequirements(loaded.capabilities, available);
  const publicUrl = available
    .map(({ section, publicUrlOf }) => publicUrlOf?.(loaded.values[section.name] ?? {}))
    .find((url) => url !== undefined);
  return { loaded, config: serverConfig(loaded, output, publicUrl), available };
}
