import type { z } from 'zod';
import { ConfigError } from './config-error.js';
import { describeIssues, type SectionProblem } from './problems.js';
import { keyPath } from './tables.js';

/** What a section of Reactor.toml is, said once. */
export interface SectionDefinition<Schema extends z.ZodObject, Config> {
  /** `[storage]` */
  readonly name: string;
  /**
   * Keys as written in the file. Tables within are `z.strictObject` or, where names are the user's own, `z.record`; a
   * secret is marked by `.meta({ secret: true })`, wherever it is; `.describe()` is the text of the reference.
   */
  readonly schema: Schema;
  /** Keys whose value is made, once, where `project.env` is `dev` and nobody set one. Elsewhere it is required. */
  readonly generatedSecrets?: readonly (keyof z.output<Schema> & string)[];
  /** Defaults where `project.env` is `dev`, over those of the schema. */
  readonly devDefaults?: Partial<z.input<Schema>>;
  /** From the keys of the file to what code takes: camel case, milliseconds. */
  toConfig(values: z.output<Schema>): Config;
}

/** A section of Reactor.toml: how it is checked, shown and turned into what code takes. */
export interface Section<Config = unknown> {
  readonly name: string;
  readonly schema: z.ZodObject;
  readonly generatedSecrets: readonly string[];
  readonly devDefaults: Readonly<Record<string, unknown>>;
  /** The values with the defaults of the schema, or what is wrong with them. */
  check(values: unknown): {
    readonly values?: Readonly<Record<string, unknown>>;
    readonly problems: readonly SectionProblem[];
  };
  /**
   * Reads the section as it stands in the file; undefined is an empty one.
   * @throws ConfigError naming every bad key by its path (`storage.max_upload_bytes`) and what is accepted there
   */
  parse(values: unknown): Config;
}

/** Declares a section of Reactor.toml. */
export function defineSection<Schema extends z.ZodObject, Config>(
  definition: SectionDefinition<Schema, Config>,
): Section<Config> {
  const { name, schema, generatedSecrets = [], devDefaults = {} } = definition;
  const check = (values: unknown) => {
    const { data, error } = schema.safeParse(values ?? {});
    return { data, problems: describeIssues(name, schema, values, error?.issues ?? []) };
  };
  return {
    name,
    schema,
    generatedSecrets,
    devDefaults: devDefaults as Readonly<Record<string, unknown>>,
    check(values) {
      const { data, problems } = check(values);
      return { ...(data === undefined ? {} : { values: data }), problems };
    },
    parse(values) {
      const { data, problems } = check(values);
      if (data !== undefined) return definition.toConfig(data);
      throw new ConfigError(problems.map(({ path, message }) => `${keyPath([name, ...path])}: ${message}`));
    },
  };
}
