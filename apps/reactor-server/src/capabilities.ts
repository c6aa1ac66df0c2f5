import path from 'node:path';
import { authConfigSchema, createAuth, parseAuthConfig } from '@reactor/auth';
import type { BlobStore, Capability, CapabilityContext, CapabilityName, Database, TokenVerifier } from '@reactor/core';
import { createData, dataConfigSchema, parseDataConfig } from '@reactor/data';
import { createFilesystemBlobStore, createStorage, parseStorageConfig, storageConfigSchema } from '@reactor/storage';
import type { AdminGate } from './admin/gate.js';
import { ConfigError } from './config/errors.js';
import type { SectionSchema } from './config/schema.js';

/** What a capability can be made from. Later ones get the ports that earlier ones supply. */
export interface Collaborators {
  readonly database: Database;
  /** On behalf of callers: other connections, of a login that may do less. */
  readonly requests: Database;
  /** Sessions of PostgreSQL itself, where the database is behind a pooler and there is another way to it. */
  readonly sessions: Database | undefined;
  readonly stateDirectory: string;
  /** What relative paths of the configuration start from. */
  readonly directory: string;
  readonly gate: AdminGate;
  /** Origins whose pages may call this server. */
  readonly corsOrigins: readonly string[];
  /** A context whose logger writes to the capability's own target. */
  readonly contextOf: (name: CapabilityName) => CapabilityContext;
}

interface Ports {
  tokens?: TokenVerifier;
  blobs?: BlobStore;
}

interface Entry {
  readonly schema: SectionSchema;
  readonly requires: readonly CapabilityName[];
  /** Whether callers' own statements reach the database, on connections of their own. */
  readonly usesRequests?: true;
  create(section: unknown, ports: Ports, collaborators: Collaborators): Capability;
}

/**
 * The one list: section → how it is configured, what it needs, how it is made. Order is start order; a port is supplied
 * by an entry above the ones that use it.
 */
const ENTRIES: Readonly<Record<CapabilityName, Entry>> = {
  auth: {
    schema: authConfigSchema,
    requires: [],
    create(section, ports, { database, gate, corsOrigins, contextOf }) {
      const auth = createAuth(parseAuthConfig(section), {
        ...contextOf('auth'),
        database,
        isOperator: gate.isOperator,
        trustedOrigins: corsOrigins,
      });
      ports.tokens = gate.verifier(auth.tokens);
      return auth;
    },
  },
  data: {
    schema: dataConfigSchema,
    requires: ['auth'],
    usesRequests: true,
    create(section, ports, { database, requests, sessions, directory, contextOf }) {
      const config = parseDataConfig(section);
      const migrationsDir = config.migrationsDir && path.resolve(directory, config.migrationsDir);
      return createData(
        { ...config, migrationsDir },
        { ...contextOf('data'), database, requests, sessions, tokens: need(ports.tokens, 'tokens') },
      );
    },
  },
  storage: {
    schema: storageConfigSchema,
    requires: ['auth'],
    create(section, ports, { database, stateDirectory, contextOf }) {
      const context = contextOf('storage');
      const blobs = createFilesystemBlobStore({ root: path.join(stateDirectory, 'blobs'), clock: context.clock });
      ports.blobs = blobs;
      return createStorage(parseStorageConfig(section), {
        ...context,
        database,
        tokens: need(ports.tokens, 'tokens'),
        blobs,
      });
    },
  },
};

/** The schemas of all sections that mount a capability. */
export function capabilitySchemas(): Readonly<Record<CapabilityName, SectionSchema>> {
  return Object.fromEntries(Object.entries(ENTRIES).map(([name, entry]) => [name, entry.schema]));
}

/** Key paths whose absence is made good by a generated secret in `dev`. */
export const GENERATED_SECRETS = ['admin.token', 'auth.secret'];

/** @throws ConfigError when a listed capability needs one that is not */
export function checkRequirements(names: readonly CapabilityName[]): void {
  const problems = names.flatMap((name) =>
    (ENTRIES[name]?.requires ?? [])
      .filter((required) => !names.includes(required))
      .map((required) => `[${name}]: needs [${required}], which is not listed`),
  );
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Whether one of the capabilities takes the pool `requests`. */
export function servesCallersFromDatabase(names: readonly CapabilityName[]): boolean {
  return names.some((name) => ENTRIES[name]?.usesRequests === true);
}

/** Makes the listed capabilities, in start order. Nothing is opened or started yet. */
export function createCapabilities(
  names: readonly CapabilityName[],
  sections: Readonly<Record<string, unknown>>,
  collaborators: Collaborators,
): readonly Capability[] {
  const ports: Ports = {};
  return names.map((name) => need(ENTRIES[name], name).create(sections[name], ports, collaborators));
}

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`capabilities.ts: ${what} is not supplied by an earlier entry`);
  return value;
}
