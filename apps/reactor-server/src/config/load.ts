import { type CapabilityName, ConfigError, keyPath, type Section } from '@reactor/core';
import { checkSection } from './check-section.js';
import { type Entry, entriesOf } from './entries.js';
import { type Sections, unknownPath } from './known.js';
import { layer } from './layers.js';
import { locateConfigFile } from './locate.js';
import { resolveReferences } from './references.js';
import type { Setting } from './setting.js';
import { environmentName, environmentSettings, flagSettings, readConfigFile, settingsOf } from './sources.js';

export interface LoadOptions {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: NodeJS.ProcessEnv;
  /** Where a `Reactor.toml` is looked for, and what relative paths start from without one. */
  readonly directory: string;
  /** Sections that always exist. `project` is one of them. */
  readonly sections: readonly Section[];
  /** Sections that mount a capability. */
  readonly capabilities: readonly Section[];
  /** Defaults where there is no file, by section, over those of `dev`. */
  readonly defaultsWithoutFile: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface LoadedConfig {
  /** Absolute; relative paths of the configuration start here. */
  readonly directory: string;
  /** The file that was read, if one was. */
  readonly file?: string;
  /** What gets mounted, in start order. */
  readonly capabilities: readonly CapabilityName[];
  /** For people; without any secret. */
  readonly entries: readonly Entry[];
  /** Key paths left to generated secrets. */
  readonly missingSecrets: readonly string[];
  /** The checked values of one section, by key as in the file. */
  readonly values: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * Flags over environment over file over defaults, checked against the sections.
 * @throws ConfigError listing every problem with its key path
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const location = await locateConfigFile(options.directory, options.flags.config);
  const all = [...options.sections, ...options.capabilities];
  const sections: Sections = Object.fromEntries(all.map((section) => [section.name, section]));
  const file = location.file === undefined ? undefined : await readConfigFile(location.file, location.name, sections);
  const problems: string[] = [];

  const onlyKnown = (source: readonly Setting[]) =>
    source.filter((setting) => {
      const problem = unknownPath(setting, sections);
      if (problem !== undefined) problems.push(problem);
      return problem === undefined;
    });
  const given = layer([
    onlyKnown(file?.settings ?? []),
    onlyKnown(environmentSettings(options.environment, sections)),
    onlyKnown(flagSettings(options.flags)),
  ]);
  // Only what won is resolved: a variable that an overridden value names need not exist.
  const unresolved = new Set<string>();
  const resolved = Array.from(given, ([path, setting]) =>
    resolveReferences(setting, options.environment, (name) => {
      unresolved.add(path);
      problems.push(`${path}: environment variable ${name} is not set (${setting.origin})`);
    }),
  );
  const withoutFile = file === undefined ? options.defaultsWithoutFile : {};
  const env = resolved.find(({ path }) => keyPath(path) === 'project.env')?.value ?? withoutFile.project?.env;
  // A value that the schema will refuse gets no second complaint about missing secrets.
  const dev = env !== undefined && env !== 'preview' && env !== 'production';
  const tables = (of: (section: Section) => Readonly<Record<string, unknown>> | undefined) =>
    all.flatMap((section) => settingsOf([section.name], of(section) ?? {}, section.schema, 'default'));
  const settings = layer([
    dev ? tables(({ devDefaults }) => devDefaults) : [],
    tables(({ name }) => withoutFile[name]),
    resolved,
  ]);

  const mounted = options.capabilities.filter(({ name }) => file?.sections.includes(name) ?? true);
  const remedyFor = (path: readonly string[]) => `set it in ${location.name} or as ${environmentName(path, sections)}`;
  const checked = [...options.sections, ...mounted].map((section) => ({
    section,
    ...checkSection(section, settings, { dev, unresolved, remedyFor }),
  }));
  problems.push(...checked.flatMap((one) => one.problems));
  if (problems.length > 0) throw new ConfigError(problems);

  return {
    directory: location.directory,
    ...(location.file === undefined ? {} : { file: location.file }),
    capabilities: mounted.map(({ name }) => name),
    entries: checked.flatMap(({ section, values, generated }) => entriesOf(section, values, settings, generated)),
    missingSecrets: checked.flatMap(({ section, generated }) => generated.map((key) => `${section.name}.${key}`)),
    values: Object.fromEntries(checked.map(({ section, values }) => [section.name, values])),
  };
}
