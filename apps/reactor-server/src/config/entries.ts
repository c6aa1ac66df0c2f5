import { isTable, keyPath, MASK, maskSecrets, type Section, tableOf, typeOf } from '@reactor/core';
import type { z } from 'zod';
import { originOf, type SettingsByPath } from './layers.js';

/** One effective value, for people: secrets are masked in it. */
export interface Entry {
  /** `server.bind` */
  readonly path: string;
  readonly value: unknown;
  /** Where it came from: `flag --bind`, `environment …`, `Reactor.toml`, `default`. */
  readonly origin: string;
}

/** The values of a section, one entry for each that has no keys of its own. @param generated secrets that nobody set */
export function entriesOf(
  section: Section,
  values: Readonly<Record<string, unknown>>,
  settings: SettingsByPath,
  generated: readonly string[],
): readonly Entry[] {
  const leaves = (path: readonly string[], value: unknown, type: z.ZodType | undefined): readonly Entry[] => {
    const table = tableOf(type);
    if (value === undefined) return [];
    if (table === undefined || !isTable(value) || Object.keys(value).length === 0) {
      return [{ path: keyPath(path), value, origin: originOf(path, settings) }];
    }
    return Object.entries(value).flatMap(([key, item]) => leaves([...path, key], item, typeOf(table, key)));
  };
  return [
    ...leaves([section.name], maskSecrets(section.schema, values), section.schema).filter(
      ({ path }) => path !== section.name,
    ),
    ...generated.map((key) => ({
      path: keyPath([section.name, key]),
      value: MASK,
      origin: 'generated, kept in server.state_dir',
    })),
  ];
}
