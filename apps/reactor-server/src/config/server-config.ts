import path from 'node:path';
import type { z } from 'zod';
import type { LoadedConfig } from './load.js';
import { adminSection, databaseSection, parseBind, projectSection, serverSection, tracingSection } from './sections.js';

/** Sections that exist whatever is mounted. */
export const SERVER_SECTIONS = {
  project: projectSection,
  server: serverSection,
  database: databaseSection,
  tracing: tracingSection,
  admin: adminSection,
};

/** The server's own settings, in the units that code uses. */
export interface ServerConfig {
  readonly env: 'dev' | 'preview' | 'production';
  readonly bind: { readonly host: string; readonly port: number };
  /** Absolute. */
  readonly stateDirectory: string;
  readonly requestTimeoutMs: number;
  readonly graceMs: number;
  readonly maxHeaderBytes: number;
  readonly maxBodyBytes: number;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  /** Where clients reach the server, when auth is told. */
  readonly publicUrl: string | undefined;
  readonly database: {
    readonly url: string | undefined;
    readonly directUrl: string | undefined;
    readonly requestsUrl: string | undefined;
    readonly preparedStatements: 'auto' | boolean;
    readonly poolMax: number;
    readonly acquireTimeoutMs: number;
  };
  readonly logFilter: string;
  readonly logFormat: 'json' | 'pretty';
  readonly logColor: boolean;
  readonly logRingBytes: number;
  readonly allowRemoteAdmin: boolean;
}

/** Where the log goes, as far as its form depends on it. */
export interface Output {
  /** Then lines are for people, unless configured otherwise. */
  readonly terminal: boolean;
  readonly color: boolean;
}

export function serverConfig(loaded: LoadedConfig, output: Output): ServerConfig {
  const section = <Name extends keyof typeof SERVER_SECTIONS>(name: Name) =>
    loaded.values[name] as z.infer<(typeof SERVER_SECTIONS)[Name]>;
  const { server, database, tracing } = {
    server: section('server'),
    database: section('database'),
    tracing: section('tracing'),
  };
  return {
    env: section('project').env,
    bind: parseBind(server.bind) as { host: string; port: number },
    stateDirectory: path.resolve(loaded.directory, server.state_dir),
    requestTimeoutMs: server.request_timeout_secs * 1000,
    graceMs: server.grace_secs * 1000,
    maxHeaderBytes: server.max_header_bytes,
    maxBodyBytes: server.max_body_bytes,
    corsOrigins: server.cors?.allow_origins ?? [],
    trustedProxies: server.trusted_proxies,
    publicUrl: loaded.values.auth?.public_url as string | undefined,
    database: {
      url: database.url,
      directUrl: database.direct_url,
      requestsUrl: database.requests_url,
      preparedStatements: database.prepared_statements,
      poolMax: database.pool_max,
      acquireTimeoutMs: database.acquire_timeout_secs * 1000,
    },
    logFilter: tracing.filter,
    logFormat: tracing.fmt ?? (output.terminal ? 'pretty' : 'json'),
    logColor: output.color,
    logRingBytes: tracing.ring_bytes,
    allowRemoteAdmin: section('admin').allow_remote,
  };
}
