import path from 'node:path';
import type { LoadedConfig } from './load.js';
import {
  type Address,
  databaseSection,
  eventsSection,
  projectSection,
  serverSection,
  tracingSection,
} from './sections.js';

/** The server's own settings, in the units that code uses. */
export interface ServerConfig {
  readonly env: 'dev' | 'preview' | 'production';
  readonly bind: Address;
  /** Absolute. */
  readonly stateDirectory: string;
  readonly requestTimeoutMs: number;
  readonly graceMs: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Where clients reach the server, when a capability is told. */
  readonly publicUrl: string | undefined;
  readonly database: {
    readonly url: string | undefined;
    readonly directUrl: string | undefined;
    readonly requestsUrl: string | undefined;
    readonly preparedStatements: 'auto' | boolean;
    readonly poolMax: number;
    readonly acquireTimeoutMs: number;
    /** How often subscribers of events look for themselves, where nothing can be listened to. */
    readonly eventsPollMs: number;
  };
  readonly logFilter: string;
  readonly logFormat: 'json' | 'pretty';
  readonly logColor: boolean;
  readonly logRingBytes: number;
}

/** Where the log goes, as far as its form depends on it. */
export interface Output {
  /** Then lines are for people, unless configured otherwise. */
  readonly terminal: boolean;
  readonly color: boolean;
}

/** @param publicUrl what a mounted capability knows of it */
export function serverConfig(
  { values, directory }: LoadedConfig,
  output: Output,
  publicUrl: string | undefined,
): ServerConfig {
  const server = serverSection.parse(values.server);
  const tracing = tracingSection.parse(values.tracing);
  return {
    ...projectSection.parse(values.project),
    ...server,
    stateDirectory: path.resolve(directory, server.stateDirectory),
    publicUrl,
    database: {
      ...databaseSection.parse(values.database),
      eventsPollMs: eventsSection.parse(values.events).pollMs,
    },
    ...tracing,
    logFormat: tracing.logFormat ?? (output.terminal ? 'pretty' : 'json'),
    logColor: output.color,
  };
}
