import { defineSection } from '@reactor/core';
import { z } from 'zod';

/** What `createFunctions` needs to know. */
export interface FunctionsConfig {
  /** Seals the secrets of functions, at least 32 characters. Equal on all servers of one database. */
  readonly secret: string;
  /** Earlier ones: what they sealed is still read, and sealed anew when it is set again. */
  readonly formerSecrets: readonly string[];
  /** Processes of one function on one server, where its deployment does not say less. */
  readonly maxInstancesPerFunction: number;
  /** Processes of all functions on one server. */
  readonly maxProcesses: number;
  /** How long an instance without a call is kept. */
  readonly idleTtlMs: number;
  /** `limits.timeout_ms` of a deployment that does not say it. */
  readonly defaultTimeoutMs: number;
  /** Of the archive of a deployment. */
  readonly bundleMaxBytes: number;
}

const secret = z.string().min(32, 'must have at least 32 characters').meta({ secret: true });

const schema = z.strictObject({
  secret: secret.describe('Seals the secrets of functions; the same on all servers of one database.'),
  former_secrets: z
    .array(secret)
    .default([])
    .describe('Earlier values of `functions.secret`, which secrets may still be sealed with.'),
  max_instances_per_function: z
    .int()
    .min(1)
    .max(64)
    // The public contract has it.
    .default(8)
    .describe('Processes of one function on this server, where its `function.json` does not say less.'),
  max_processes: z
    .int()
    .min(1)
    .max(1024)
    // Bun needs some 30 MB each when it is busy.
    .default(64)
    .describe('Processes of all functions together on this server; idle ones make room.'),
  idle_ttl_secs: z.number().min(1).max(86_400).default(300).describe('How long a process without a call is kept.'),
  default_timeout_ms: z
    .int()
    .min(1)
    .max(300_000)
    .default(30_000)
    .describe('Time of a call, where `function.json` does not say it.'),
  bundle_max_bytes: z
    .int()
    .min(1)
    // 50 MiB, as the public contract has it.
    .default(52_428_800)
    .describe('Largest accepted bundle in bytes, as it comes.'),
});

/** The `[functions]` section of Reactor.toml. */
export const functionsSection = defineSection({
  name: 'functions',
  schema,
  generatedSecrets: ['secret'],
  toConfig: (values): FunctionsConfig => ({
    secret: values.secret,
    formerSecrets: values.former_secrets,
    maxInstancesPerFunction: values.max_instances_per_function,
    maxProcesses: values.max_processes,
    idleTtlMs: values.idle_ttl_secs * 1000,
    defaultTimeoutMs: values.default_timeout_ms,
    bundleMaxBytes: values.bundle_max_bytes,
  }),
});

/**
 * Reads the `[functions]` section of Reactor.toml.
 * @throws ConfigError naming every bad key by its path (`functions.secret`) and what is accepted there
 */
export const parseFunctionsConfig = functionsSection.parse;
