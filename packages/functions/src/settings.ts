import { isTable, keyPath, knownInstead, typeAt } from '@reactor/core';
import { z } from 'zod';
import { ACCESS, type DeploymentSettings } from './deployment.js';
import { functionsErrors } from './errors.js';

/** The file of a bundle that says how it is to be run. */
export const FUNCTION_FILE = 'function.json';

/** What holds where `function.json` says nothing, from the configuration of the server. */
export interface SettingsDefaults {
  readonly timeoutMs: number;
  /** Also the most that a deployment may ask for: more is cut to it. */
  readonly maxInstances: number;
}

/** Of the public contract, or far beyond what a handler of requests needs. */
const MAX_TIMEOUT_MS = 300_000;
const MEMORY_MB = { least: 64, most: 2048, usual: 256 };
const MAX_BODY_IN_MB = 5;
const MAX_BODY_OUT_MB = 6;
/** 1 GiB: what is larger belongs into storage. */
const LARGEST_BODY_MB = 1024;
const MAX_CONCURRENCY = { most: 1000, usual: 50 };
/** As the configuration has it at most. */
const MOST_INSTANCES = 64;

const ENTRY_ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'];
const MAX_ENTRY_LENGTH = 512;

/** The command line of other tools writes 0 for all that it does not know: it means the default. */
function limit(least: number, most: number) {
  const message = `must be a whole number from ${least} to ${most}, or 0 for the default`;
  return z.int(message).refine((value) => value === 0 || (value >= least && value <= most), message);
}

const entry = z
  .string()
  .refine(isEntry, `must be the path of a file in the bundle that ends in ${ENTRY_ENDINGS.join(', ')}`);

const schema = z.strictObject({
  entry: entry.optional().describe('Path of the module in the bundle. Default: `index.ts`, else `index.js`.'),
  access: z.enum(ACCESS).optional().describe('Who may call it. Default: `users`.'),
  limits: z
    .strictObject({
      timeout_ms: limit(1, MAX_TIMEOUT_MS).optional(),
      memory_mb: limit(MEMORY_MB.least, MEMORY_MB.most).optional(),
      max_body_in_mb: limit(1, LARGEST_BODY_MB).optional(),
      max_body_out_mb: limit(1, LARGEST_BODY_MB).optional(),
    })
    .optional(),
  concurrency: z
    .strictObject({
      max_instances: limit(1, MOST_INSTANCES).optional(),
      max_concurrency: limit(1, MAX_CONCURRENCY.most).optional(),
    })
    .optional(),
  forward_authorization: z.boolean().optional(),
  service: z.boolean().optional(),
});

/** What a `function.json` says, no more: defaults of the configuration may change after it was deployed. */
export type FunctionFile = z.infer<typeof schema>;

/** A `function.json` whose entry is known, as it is kept with its deployment. */
export type KeptFunctionFile = FunctionFile & { readonly entry: string };

/**
 * @param json what `function.json` holds
 * @throws ReactorError `bundle_invalid` (400) naming each bad key and what is accepted there
 */
export function parseFunctionFile(json: unknown): FunctionFile {
  const { data, error } = schema.safeParse(json);
  if (data !== undefined) return data;
  const problems = isTable(json) ? error.issues.flatMap(describeIssue) : ['must be an object'];
  throw functionsErrors.create.bundle_invalid(`${FUNCTION_FILE}: ${problems.join('; ')}`, {
    details: problems.map((message) => ({ file: FUNCTION_FILE, message })),
  });
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String);
  if (issue.code !== 'unrecognized_keys') return [`${keyPath(path)}: ${issue.message}`];
  return issue.keys.map(
    (key) => `${keyPath([...path, key])}: unknown key; ${knownInstead(key, typeAt(schema, path), path)}`,
  );
}

/** MiB that a process of the function may have. */
export function memoryMbOf({ limits }: FunctionFile): number {
  return limits?.memory_mb || MEMORY_MB.usual;
}

/** What holds for a deployment on this server. */
export function resolveSettings(file: KeptFunctionFile, defaults: SettingsDefaults): DeploymentSettings {
  const { limits = {}, concurrency = {} } = file;
  return {
    entry: file.entry,
    access: file.access ?? 'users',
    limits: {
      timeoutMs: limits.timeout_ms || defaults.timeoutMs,
      memoryMb: memoryMbOf(file),
      maxBodyInMb: limits.max_body_in_mb || MAX_BODY_IN_MB,
      maxBodyOutMb: limits.max_body_out_mb || MAX_BODY_OUT_MB,
    },
    concurrency: {
      maxInstances: Math.min(concurrency.max_instances || defaults.maxInstances, defaults.maxInstances),
      maxConcurrency: concurrency.max_concurrency || MAX_CONCURRENCY.usual,
    },
    forwardAuthorization: file.forward_authorization ?? false,
    service: file.service ?? false,
  };
}

/**
 * Reads what a `function.json` says, with the defaults of what it does not say.
 * @param defaults with the entry of a bundle that names none
 * @throws ReactorError `bundle_invalid` (400) naming each bad key and what is accepted there
 */
export function parseSettings(
  json: unknown,
  defaults: SettingsDefaults & { readonly entry: string },
): DeploymentSettings {
  const file = parseFunctionFile(json);
  return resolveSettings({ ...file, entry: file.entry ?? defaults.entry }, defaults);
}

/** The archive was checked: a path of this form leads nowhere out of the bundle. */
function isEntry(path: string): boolean {
  const segments = path.split('/');
  return (
    path.length <= MAX_ENTRY_LENGTH &&
    !/[\p{Cc}\\]/u.test(path) &&
    !segments.some((segment) => segment === '' || segment === '.' || segment === '..') &&
    ENTRY_ENDINGS.some((ending) => path.endsWith(ending) && !path.endsWith(`/${ending}`) && path !== ending)
  );
}
