import type { LoadedConfig } from '../config/load.js';

/** Effective values with where each came from; secrets are masked. One `key = value  # origin` per line, valid TOML. */
export function renderConfig(loaded: LoadedConfig): string {
  const lines = loaded.entries.map(({ path, value, origin, secret }) => ({
    path,
    text: `${path} = ${secret ? '"********"' : tomlValue(value)}`,
    origin,
  }));
  for (const path of loaded.missingSecrets) {
    lines.push({ path, text: `${path} = "********"`, origin: 'generated, kept in server.state_dir' });
  }
  const order = new Map(loaded.entries.map(({ path }, i) => [path.split('.')[0], i]));
  lines.sort((a, b) => (order.get(a.path.split('.')[0]) ?? 0) - (order.get(b.path.split('.')[0]) ?? 0));
  const width = Math.max(...lines.map(({ text }) => text.length));
  return `${lines.map(({ text, origin }) => `${text.padEnd(width)}  # ${origin}`).join('\n')}\n`;
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key} = ${tomlValue(item)}`)
      .join(', ')} }`;
  }
  return JSON.stringify(value);
}
