import { capabilitySchemas, checkRequirements, GENERATED_SECRETS } from '../capabilities.js';
import { type LoadedConfig, loadConfig } from './load.js';
import { type Output, SERVER_SECTIONS, type ServerConfig, serverConfig } from './server-config.js';

export interface Settings {
  readonly loaded: LoadedConfig;
  readonly config: ServerConfig;
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
export async function readSettings({ output, ...source }: SettingsSource): Promise<Settings> {
  const loaded = await loadConfig({
    ...source,
    sections: SERVER_SECTIONS,
    capabilities: capabilitySchemas(),
    generatedSecrets: GENERATED_SECRETS,
  });
  checkRequirements(loaded.capabilities);
  return { loaded, config: serverConfig(loaded, output) };
}
