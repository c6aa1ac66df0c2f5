import { isTable, keyPath } from '@reactor/core';
import type { LoadedConfig } from '../config/load.js';

/** Effective values with where each came from. One `key = value  # origin` per line, valid TOML. */
export function renderConfig({ entries }: LoadedConfig): string {
  const lines = entries.map(({ path, value, origin }) => ({ text: `${path} = ${tomlValue(value)}`, origin }));
  const width = Math.max(...lines.map(({ text }) => text.length));
  return `${lines.map(({ text, origin }) => `${text.padEnd(width)}  # ${origin}`).join('\n')}\n`;
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (isTable(value)) {
    const items = Object.entries(value).map(([key, item]) => `${keyPath([key])} = ${tomlValue(item)}`);
    return items.length === 0 ? '{}' : `{ ${items.join(', ')} }`;
  }
  return JSON.stringify(value);
}
