import type { CapabilityName } from '@reactor/core';
import { defaultSettings } from './defaults.js';
import { ConfigError } from './errors.js';
import { locateConfigFile } from './locate.js';
import { resolveReferences } from './references.js';
import { isSecret, type SectionSchema, type SectionSchemas, typeAt } from './schema.js';
import { environmentSettings, flagSettings, readConfigFile, type Setting } from './sources.js';
import { unknownKey, unknownSection } from './unknown.js';
import { coerceUntyped } from './untyped.js';

export interface LoadOptions {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: NodeJS.ProcessEnv;
  /** Where a `Reactor.toml` is looked for, and what relative paths start from without one. */
  readonly directory: string;
  /** Sections that always exist. */
  readonly sections: SectionSchemas;
  /** Sections that mount a capability. */
  readonly capabilities: Readonly<Record<CapabilityName, SectionSchema>>;
  /** Key paths whose absence is made good by a generated secret in `dev`. */
  readonly generatedSecrets: readonly string[];
}

/** One effective value, for `check-config`. */
export interface Entry {
  /** `server.bind` */
  readonly path: string;
  readonly value: unknown;
  /** Where it came from: `flag --bind`, `environment …`, `Reactor.toml`, `default`. */
  readonly origin: string;
  readonly secret: boolean;
}

export interface LoadedConfig {
  /** Absolute; relative paths of the configuration start here. */
  readonly directory: string;
  /** The file that was read, if one was. */
  readonly file?: string;
  /** What gets mounted, in start order. */
  readonly capabilities: readonly CapabilityName[];
  readonly entries: readonly Entry[];
  /** Key paths left to generated secrets. */
  readonly missingSecrets: readonly string[];
  /** The checked values of one section, by key as in the file. */
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Passes the schema of a secret; never leaves this file. */
const STAND_IN = 'x'.repeat(64);

/**
 * Flags over environment over file over defaults, checked against the schemas.
 * @throws ConfigError listing every problem with its key path
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const location = await locateConfigFile(options.directory, options.flags.config);
  const withoutFile = location.file === undefined;
  const file =
    location.file === undefined ? { settings: [], sections: [] } : await readConfigFile(location.file, location.name);
  const schemas: Record<string, SectionSchema> = { ...options.sections, ...options.capabilities };
  const problems: string[] = [];

  for (const section of file.sections) {
    if (!(section in schemas)) problems.push(unknownSection(section, location.name, schemas));
  }
  const settings = new Map<string, Setting>();
  for (const setting of [
    ...file.settings,
    ...environmentSettings(options.environment),
    ...flagSettings(options.flags),
  ]) {
    const problem = unknownKey(setting.path, setting.origin, schemas);
    if (problem === undefined) settings.set(setting.path, setting);
    else problems.push(problem);
  }
  // Only what won is resolved: a variable that an overridden value names need not exist.
  const unresolved = new Set<string>();
  for (const [path, setting] of settings) {
    const missing = (name: string) => {
      unresolved.add(path);
      problems.push(`${path}: environment variable ${name} is not set (${setting.origin})`);
    };
    settings.set(path, resolveReferences(setting, options.environment, missing));
  }
  const env = settings.get('project.env')?.value ?? (withoutFile ? 'dev' : 'production');
  // A value that the schema will refuse gets no second complaint about missing secrets.
  const dev = env !== 'preview' && env !== 'production';
  for (const setting of defaultSettings(dev, withoutFile)) {
    if (!settings.has(setting.path)) settings.set(setting.path, setting);
  }

  const capabilities = (Object.keys(options.capabilities) as CapabilityName[]).filter(
    (name) => withoutFile || file.sections.includes(name),
  );
  const values: Record<string, Record<string, unknown>> = {};
  const missingSecrets: string[] = [];
  for (const name of [...Object.keys(options.sections), ...capabilities]) {
    const schema = schemas[name] as SectionSchema;
    const given = sectionTable(name, schema, settings);
    const generated = dev ? options.generatedSecrets.filter((path) => path.startsWith(`${name}.`)) : [];
    const absent = generated.map((path) => path.slice(name.length + 1)).filter((key) => !(key in given));
    // A stand-in, so that the rest of the section is checked and gets its defaults.
    const result = schema.safeParse({ ...given, ...Object.fromEntries(absent.map((key) => [key, STAND_IN])) });
    values[name] = { ...(result.data ?? given) };
    for (const key of absent) {
      missingSecrets.push(`${name}.${key}`);
      delete values[name][key];
    }
    for (const issue of result.error?.issues ?? []) {
      const path = [name, ...issue.path].join('.');
      // What stands in for a missing variable is not the user's mistake.
      if (unresolved.has(path)) continue;
      if (issue.path.length === 1 && !((issue.path[0] as string) in given)) {
        problems.push(`${path}: required, and not set; set it in ${location.name} or as ${environmentName(path)}`);
      } else problems.push(`${path}: ${issue.message} (${originOf(path, settings)})`);
    }
  }
  if (problems.length > 0) throw new ConfigError([...new Set(problems)]);

  return {
    directory: location.directory,
    ...(location.file === undefined ? {} : { file: location.file }),
    capabilities,
    entries: Object.entries(values).flatMap(([name, table]) =>
      Object.entries(table).map(([key, value]): Entry => {
        const path = `${name}.${key}`;
        return { path, value, origin: originOf(path, settings), secret: isSecret(schemas[name] as SectionSchema, key) };
      }),
    ),
    missingSecrets,
    values,
  };
}

/** The section as its schema reads it; a deeper key (`server.cors.allow_origins`) is laid over its table. */
function sectionTable(name: string, schema: SectionSchema, settings: Map<string, Setting>): Record<string, unknown> {
  const table: Record<string, unknown> = {};
  for (const { path, value, untyped } of settings.values()) {
    const [section, key = '', ...deeper] = path.split('.');
    if (section !== name) continue;
    const typed = untyped ? coerceUntyped(value, typeAt(schema, [key, ...deeper])) : value;
    table[key] = deeper.length === 0 ? typed : { ...(table[key] as object | undefined), [deeper.join('.')]: typed };
  }
  return table;
}

function originOf(path: string, settings: Map<string, Setting>): string {
  const exact = settings.get(path) ?? settings.get(path.split('.').slice(0, 2).join('.'));
  if (exact !== undefined) return exact.origin;
  for (const setting of settings.values()) if (setting.path.startsWith(`${path}.`)) return setting.origin;
  return 'default';
}

function environmentName(path: string): string {
  return `REACTOR_${path.toUpperCase().replaceAll('.', '__')}`;
}
