import { readFile } from 'node:fs/promises';
import { parse, TomlError } from 'smol-toml';
import { ConfigError } from './errors.js';

/** A value as it was found, and where. */
export interface Setting {
  /** `server.bind` */
  readonly path: string;
  readonly value: unknown;
  /** For people: `Reactor.toml`, `environment REACTOR_SERVER__BIND`, `flag --bind`. */
  readonly origin: string;
  /** Text from outside TOML has no types: it may become a number, boolean or list where the key wants one. */
  readonly untyped: boolean;
}

export interface FileSettings {
  readonly settings: readonly Setting[];
  /** Capabilities with a table of their own, in file order. */
  readonly sections: readonly string[];
}

/** @throws ConfigError when the file is missing, unreadable or not TOML */
export async function readConfigFile(file: string, name: string): Promise<FileSettings> {
  let document: Record<string, unknown>;
  try {
    document = parse(await readFile(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof TomlError ? error.message.split('\n')[0] : (error as Error).message;
    const place = error instanceof TomlError ? `:${error.line}:${error.column}` : '';
    throw new ConfigError([`${name}${place}: ${reason}`]);
  }
  const settings: Setting[] = [];
  for (const [section, table] of Object.entries(document)) {
    if (!isTable(table)) {
      settings.push({ path: section, value: table, origin: name, untyped: false });
      continue;
    }
    for (const [key, value] of Object.entries(table)) {
      settings.push({ path: `${section}.${key}`, value, origin: name, untyped: false });
    }
  }
  return { settings, sections: Object.keys(document) };
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** `REACTOR_SECTION__KEY` becomes `section.key`. Names without `__` are not configuration. */
export function environmentSettings(environment: NodeJS.ProcessEnv): Setting[] {
  const settings: Setting[] = [];
  for (const [name, value] of Object.entries(environment)) {
    const match = /^REACTOR_([A-Z0-9]+(?:_[A-Z0-9]+)*)__(.+)$/i.exec(name);
    if (match === null || value === undefined) continue;
    const path = `${match[1]}.${(match[2] as string).replaceAll('__', '.')}`.toLowerCase();
    settings.push({ path, value, origin: `environment ${name}`, untyped: true });
  }
  return settings;
}

/** `--bind` and the like, already parsed. */
export function flagSettings(flags: Readonly<Record<string, string | undefined>>): Setting[] {
  return Object.entries(FLAGS).flatMap(([flag, path]) => {
    const value = flags[flag];
    const name = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return value === undefined ? [] : [{ path, value, origin: `flag --${name}`, untyped: true }];
  });
}

const FLAGS: Readonly<Record<string, string>> = {
  bind: 'server.bind',
  stateDir: 'server.state_dir',
  adminToken: 'admin.token',
};
