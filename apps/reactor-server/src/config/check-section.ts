import { keyPath, type Section } from '@reactor/core';
import { originOf, type SettingsByPath, sectionTable } from './layers.js';

/** What a section comes to. */
export interface CheckedSection {
  /** By key as in the file, with defaults; without what is generated. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Keys of secrets that nobody set, and that are made. */
  readonly generated: readonly string[];
  /** With their key path, and what is accepted there. */
  readonly problems: readonly string[];
}

export interface CheckOptions {
  /** Whether missing secrets are made. */
  readonly dev: boolean;
  /** Key paths whose value names a variable that is not set. */
  readonly unresolved: ReadonlySet<string>;
  /** How to set a key that is missing. */
  readonly remedyFor: (path: readonly string[]) => string;
}

/** Passes the schema of a secret; never leaves this file. */
const STAND_IN = 'x'.repeat(64);

/** Checks what was set of a section. */
export function checkSection(section: Section, settings: SettingsByPath, options: CheckOptions): CheckedSection {
  const table = sectionTable(section, settings);
  const generated = options.dev ? section.generatedSecrets.filter((key) => !(key in table)) : [];
  // A stand-in, so that the rest of the section is checked and gets its defaults.
  const checked = section.check({ ...table, ...Object.fromEntries(generated.map((key) => [key, STAND_IN])) });
  const problems = checked.problems
    .map((problem) => ({ ...problem, path: [section.name, ...problem.path] }))
    // What a missing variable would have been is not the user's mistake.
    .filter(({ path }) => !path.some((_, end) => options.unresolved.has(keyPath(path.slice(0, end + 1)))))
    .map(({ path, message, isMissing }) =>
      isMissing
        ? `${keyPath(path)}: required, and not set; ${options.remedyFor(path)}`
        : `${keyPath(path)}: ${message} (${originOf(path, settings)})`,
    );
  const values = Object.entries(checked.values ?? {}).filter(([key]) => !generated.includes(key));
  return { values: Object.fromEntries(values), generated, problems };
}
