import { isTable, keyPath, type Section, typeAt } from '@reactor/core';
import type { Setting } from './setting.js';
import { coerceUntyped } from './untyped.js';

/** By path, the setting that won. */
export type SettingsByPath = ReadonlyMap<string, Setting>;

/** What wins of several sources, the lowest first. Text that stands for a whole table replaces what is in it. */
export function layer(sources: readonly (readonly Setting[])[]): SettingsByPath {
  const settings = new Map<string, Setting>();
  for (const source of sources) {
    for (const [key, { path }] of settings) {
      if (source.some((above) => above.untyped && isBelow(path, above.path))) settings.delete(key);
    }
    for (const setting of source) settings.set(keyPath(setting.path), setting);
  }
  return settings;
}

/** The table of a section. A deeper key is laid over the table that it is in. */
export function sectionTable({ name, schema }: Section, settings: SettingsByPath): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  const mine = [...settings.values()].filter(({ path }) => path[0] === name && path.length > 1);
  for (const { path, value, untyped } of mine.sort((a, b) => a.path.length - b.path.length)) {
    const keys = path.slice(1);
    set(root, keys, untyped ? coerceUntyped(value, typeAt(schema, keys)) : value);
  }
  return root;
}

function set(table: Record<string, unknown>, [key = '', ...deeper]: readonly string[], value: unknown): void {
  if (deeper.length === 0) {
    table[key] = value;
    return;
  }
  const below = table[key] ?? {};
  // Something else than a table stands there, and is refused for that.
  if (!isTable(below)) return;
  const copy = { ...below };
  set(copy, deeper, value);
  table[key] = copy;
}

/** Where the value at a path came from, whether it was set itself, with its table, or by what is in it. */
export function originOf(path: readonly string[], settings: SettingsByPath): string {
  for (let end = path.length; end > 0; end--) {
    const found = settings.get(keyPath(path.slice(0, end)));
    // An empty table sets nothing of what is in it.
    const isWhole = end === path.length || !isTable(found?.value);
    if (found !== undefined && isWhole) return found.origin;
  }
  for (const setting of settings.values()) if (isBelow(setting.path, path)) return setting.origin;
  return 'default';
}

function isBelow(path: readonly string[], above: readonly string[]): boolean {
  return path.length > above.length && above.every((key, index) => path[index] === key);
}
