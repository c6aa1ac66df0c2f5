import path from 'node:path';
import { authErrors, authSection, createAuth } from '@reactor/auth';
import {
  type BlobStore,
  type Capability,
  type CapabilityContext,
  type CapabilityName,
  ConfigError,
  coreErrors,
  type Database,
  type ErrorCode,
  type Section,
  type ServiceTokens,
  type TokenVerifier,
  withServiceTokens,
} from '@reactor/core';
import { createData, dataErrors, dataSection } from '@reactor/data';
import { createFunctions, functionsErrors, functionsSection } from '@reactor/functions';
import { createStorage, storageErrors, storageSection } from '@reactor/storage';
import type { AdminGate } from './admin/gate.js';

/** What a capability can be made from. Later ones get the ports that earlier ones supply. */
export interface Collaborators {
  readonly database: Database;
  /** On behalf of callers: other connections, of a login that may do less. */
  readonly requests: Database;
  /** Sessions of PostgreSQL itself, where the database is behind a pooler and there is another way to it. */
  readonly sessions: Database | undefined;
  /** Of the whole server; each owner has a first key segment of its own. */
  readonly blobs: BlobStore;
  /** Where this server listens, as this machine reaches it; undefined where none does: for a migration, the doctor. */
  readonly url: string | undefined;
  /** Absolute; what can be made again, a folder for each that keeps something. */
  readonly cacheDirectory: string;
  /** What relative paths of the configuration start from. */
  readonly directory: string;
  readonly gate: AdminGate;
  /** Origins whose pages may call this server. */
  readonly corsOrigins: readonly string[];
  /** A context whose logger writes to the capability's own target. */
  readonly contextOf: (name: CapabilityName) => CapabilityContext;
}

/** What capabilities give to each other. */
export interface Ports {
  tokens?: TokenVerifier;
  /** Of what the operator has deployed; `tokens` asks them first. */
  serviceTokens?: ServiceTokens;
}

/** All that the server knows of a capability before it exists. */
export interface CapabilityEntry {
  /** Its name is the capability's. */
  readonly section: Section;
  /** Codes that only it answers, for the reference. */
  readonly errors: Readonly<Record<string, ErrorCode>>;
  readonly requires: readonly CapabilityName[];
  /** Whether callers' own statements reach the database, on connections of their own. */
  readonly usesRequests?: true;
  /** Where clients reach the server, if the section says so. @param values of its section, checked */
  publicUrlOf?(values: Readonly<Record<string, unknown>>): string | undefined;
  /** Whether it keeps blobs. */
  readonly usesBlobs?: true;
  /** @param values of its section, checked. Uses the ports that entries before it supply, and may supply its own */
  create(values: unknown, ports: Ports, collaborators: Collaborators): Capability;
}

/**
 * The one list: how a capability is configured, what it needs, how it is made. Order is start order; a port is supplied
 * by an entry above the ones that use it.
 */
export const CAPABILITIES: readonly CapabilityEntry[] = [
  {
    section: authSection,
    publicUrlOf: ({ public_url: url }) => (typeof url === 'string' ? url : undefined),
    errors: authErrors.codes,
    requires: [],
    create(values, ports, { database, gate, corsOrigins, contextOf }) {
      const auth = createAuth(authSection.parse(values), {
        ...contextOf('auth'),
        database,
        isOperator: gate.isOperator,
        trustedOrigins: corsOrigins,
      });
      ports.tokens = gate.verifier(withServiceTokens(auth.tokens, () => ports.serviceTokens));
      return auth;
    },
  },
  {
    section: dataSection,
    errors: dataErrors.codes,
    requires: ['auth'],
    usesRequests: true,
    create(values, ports, { database, requests, sessions, directory, contextOf }) {
      const config = dataSection.parse(values);
      const migrationsDir = config.migrationsDir && path.resolve(directory, config.migrationsDir);
      return createData(
        { ...config, migrationsDir },
        { ...contextOf('data'), database, requests, sessions, tokens: need(ports.tokens, 'tokens') },
      );
    },
  },
  {
    section: storageSection,
    errors: storageErrors.codes,
    requires: ['auth'],
    usesBlobs: true,
    create(values, ports, { database, blobs, contextOf }) {
      return createStorage(storageSection.parse(values), {
        ...contextOf('storage'),
        database,
        tokens: need(ports.tokens, 'tokens'),
        blobs,
      });
    },
  },
  {
    section: functionsSection,
    errors: functionsErrors.codes,
    requires: [],
    usesBlobs: true,
    create(values, ports, { database, blobs, cacheDirectory, url, gate, contextOf }) {
      const functions = createFunctions(functionsSection.parse(values), {
        ...contextOf('functions'),
        database,
        // Without auth there are no users: the operator and functions call, and everybody what is public.
        tokens: ports.tokens ?? gate.verifier(withServiceTokens(noUsers, () => ports.serviceTokens)),
        blobs,
        cacheDirectory,
        url,
      });
      ports.serviceTokens = functions.serviceTokens;
      return functions;
    },
  },
];

/** @throws ConfigError when a listed capability needs one that is not */
export function checkRequirements(names: readonly CapabilityName[], available: readonly CapabilityEntry[]): void {
  const problems = available
    .filter(({ section }) => names.includes(section.name))
    .flatMap(({ section, requires }) =>
      requires
        .filter((required) => !names.includes(required))
        .map((required) => `[${section.name}]: needs [${required}], which is not listed`),
    );
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Whether one of the capabilities takes the pool `requests`. */
export function servesCallersFromDatabase(mounted: readonly CapabilityEntry[]): boolean {
  return mounted.some(({ usesRequests }) => usesRequests === true);
}

/** Whether one of the capabilities keeps blobs. */
export function keepBlobs(mounted: readonly CapabilityEntry[]): boolean {
  return mounted.some(({ usesBlobs }) => usesBlobs === true);
}

/** Makes the mounted capabilities, in start order. Nothing is opened or started yet. @param values by section */
export function createCapabilities(
  mounted: readonly CapabilityEntry[],
  values: Readonly<Record<string, unknown>>,
  collaborators: Collaborators,
): readonly Capability[] {
  const ports: Ports = {};
  return mounted.map(({ section, create }) => create(values[section.name], ports, collaborators));
}

const noUsers: TokenVerifier = {
  verify: async () => {
    throw coreErrors.create.invalid_token('The bearer token is unknown.');
  },
};

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`capabilities.ts: ${what} is not supplied by an earlier entry`);
  return value;
}
