import type { Setting } from './setting.js';

const TEMPLATE = /\{\{\s*env\s+([A-Za-z_][A-Za-z0-9_]*)\s*\}\}/g;
const WHOLE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

/**
 * Replaces `{{ env NAME }}` inside a string, and a string `env:NAME` as a whole, also within lists and tables.
 * @param missing told every variable that is not set
 */
export function resolveReferences(
  setting: Setting,
  environment: NodeJS.ProcessEnv,
  missing: (name: string) => void,
): Setting {
  const names: string[] = [];
  const lookUp = (name: string): string => {
    names.push(name);
    const value = environment[name];
    if (value === undefined) missing(name);
    return value ?? '';
  };
  const value = mapStrings(setting.value, (text) => {
    const whole = WHOLE.exec(text)?.[1];
    return whole !== undefined ? lookUp(whole) : text.replace(TEMPLATE, (_, name: string) => lookUp(name));
  });
  if (names.length === 0) return setting;
  return { ...setting, value, origin: `${setting.origin} (env ${names.join(', ')})`, untyped: true };
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value === 'object' && value !== null && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
  }
  return value;
}
