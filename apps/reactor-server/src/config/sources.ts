import { readFile } from 'node:fs/promises';
import { ConfigError, isTable, tableOf, typeOf } from '@reactor/core';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import type { Sections } from './known.js';
import type { Setting } from './setting.js';

export interface FileSettings {
  readonly settings: readonly Setting[];
  /** What has a table of its own, in file order. */
  readonly sections: readonly string[];
}

/** @throws ConfigError when the file is missing, unreadable or not TOML */
export async function readConfigFile(file: string, name: string, sections: Sections): Promise<FileSettings> {
  let document: Record<string, unknown>;
  try {
    document = parse(await readFile(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof TomlError ? error.message.split('\n')[0] : (error as Error).message;
    const place = error instanceof TomlError ? `:${error.line}:${error.column}` : '';
    throw new ConfigError([`${name}${place}: ${reason}`]);
  }
  const settings = Object.entries(document).flatMap(([section, table]) =>
    settingsOf([section], table, sections[section]?.schema, name),
  );
  return { settings, sections: Object.keys(document) };
}

/** A table is as many settings as it has values, so that another source can set one of them. */
export function settingsOf(
  path: readonly string[],
  value: unknown,
  type: z.ZodType | undefined,
  origin: string,
): Setting[] {
  const table = tableOf(type);
  if (table === undefined || !isTable(value) || Object.keys(value).length === 0) {
    return [{ path, value, origin, untyped: false }];
  }
  return Object.entries(value).flatMap(([key, item]) => settingsOf([...path, key], item, typeOf(table, key), origin));
}

/** `REACTOR_SECTION__KEY` becomes `section.key`, to any depth. Names without `__` are not configuration. */
export function environmentSettings(environment: NodeJS.ProcessEnv, sections: Sections): Setting[] {
  const settings: Setting[] = [];
  for (const [name, value] of Object.entries(environment)) {
    const match = /^REACTOR_([A-Z0-9]+(?:_[A-Z0-9]+)*)__(.+)$/i.exec(name);
    if (match === null || value === undefined) continue;
    const section = (match[1] as string).toLowerCase();
    const path = [section, ...keysIn(match[2] as string, sections[section]?.schema)];
    settings.push({ path, value, origin: `environment ${name}`, untyped: true });
  }
  return settings;
}

/** Keys are lower case, but those of a free-form table: they are what the user wrote, `__` included where it ends there. */
function keysIn(name: string, type: z.ZodType | undefined): string[] {
  const table = tableOf(type);
  if (table !== undefined && 'anyKey' in table && tableOf(table.anyKey) === undefined) return [name];
  const [written = '', ...rest] = name.split('__');
  const key = table !== undefined && 'anyKey' in table ? written : written.toLowerCase();
  if (rest.length === 0) return [key];
  return [key, ...keysIn(rest.join('__'), table && typeOf(table, key))];
}

/** The variable that sets a key: `environmentSettings` backwards. What is in a list is set with it. */
export function environmentName([section = '', ...keys]: readonly string[], sections: Sections): string {
  const names = [`REACTOR_${section.toUpperCase()}`];
  let type: z.ZodType | undefined = sections[section]?.schema;
  for (const key of keys) {
    const table = tableOf(type);
    if (table === undefined) break;
    names.push('anyKey' in table ? key : key.toUpperCase());
    type = typeOf(table, key);
  }
  return names.join('__');
}

/** `--bind` and the like, already parsed. */
export function flagSettings(flags: Readonly<Record<string, string | undefined>>): Setting[] {
  return Object.entries(FLAGS).flatMap(([flag, path]) => {
    const value = flags[flag];
    const name = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return value === undefined ? [] : [{ path, value, origin: `flag --${name}`, untyped: true }];
  });
}

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  bind: ['server', 'bind'],
  stateDir: ['server', 'state_dir'],
  adminToken: ['admin', 'token'],
};
