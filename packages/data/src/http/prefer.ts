import { type DataError, dataError } from '../errors.js';

/** What `Prefer` asks for. Undefined where it says nothing. */
export interface Preferences {
  readonly return?: 'minimal' | 'headers-only' | 'representation';
  readonly count?: 'exact' | 'planned' | 'estimated';
  readonly resolution?: 'merge-duplicates' | 'ignore-duplicates';
  readonly missing?: 'default' | 'null';
  readonly tx?: 'commit' | 'rollback';
  readonly handling?: 'strict' | 'lenient';
  readonly maxAffected?: number;
  /** As PostgreSQL knows it, `Europe/Paris`. */
  readonly timezone?: string;
  /** Some clients put the conflict target here and not into the query. */
  readonly onConflict?: readonly string[];
}

const CHOICES = {
  return: ['minimal', 'headers-only', 'representation'],
  count: ['exact', 'planned', 'estimated'],
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  missing: ['default', 'null'],
  tx: ['commit', 'rollback'],
  handling: ['strict', 'lenient'],
} as const;

/**
 * Reads the `Prefer` header (RFC 7240), several of them joined. The first of a repeated preference counts, and what is
 * not known is ignored unless `handling=strict` is among it.
 * @throws DataError `invalid_query` (400, PGRST122) for a value that a known preference does not have, unless
 *   `handling=lenient`
 */
export function parsePrefer(header: string | null): Preferences {
  if (header === null) return {};
  const found = new Map<string, string>();
  const seen = new Set<string>();
  const invalid: string[] = [];
  const onConflict: string[] = [];
  let inColumns = false;
  for (const part of header.split(',')) {
    const token = part.trim();
    if (token === '') continue;
    const [name = '', value] = splitOnce(token);
    if (name === 'on_conflict' || (inColumns && value === undefined)) {
      onConflict.push(value ?? name);
      inColumns = true;
      continue;
    }
    inColumns = false;
    if (seen.has(name)) continue;
    seen.add(name);
    if (value === undefined || !accepts(name, value)) invalid.push(token);
    else found.set(name, value);
  }
  const handling = found.get('handling');
  const fatal = handling === 'lenient' ? [] : invalid.filter((token) => handling === 'strict' || isKnown(token));
  if (fatal.length > 0) throw invalidPreferences(fatal);
  const preferences: Record<string, unknown> = {};
  for (const [name, value] of found) {
    if (name === 'max-affected') preferences.maxAffected = Number(value);
    else preferences[name] = value;
  }
  return onConflict.length > 0 ? { ...preferences, onConflict } : preferences;
}

/** The `Preference-Applied` header for those of `names` that were asked for; undefined when there are none. */
export function preferenceApplied(
  preferences: Preferences,
  names: readonly (keyof typeof CHOICES | 'max-affected' | 'timezone')[],
): string | undefined {
  const applied = names.flatMap((name) => {
    const value = name === 'max-affected' ? preferences.maxAffected : preferences[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return applied.length === 0 ? undefined : applied.join(', ');
}

function splitOnce(token: string): [string, string | undefined] {
  const at = token.indexOf('=');
  if (at < 0) return [token, undefined];
  const value = token.slice(at + 1).trim();
  return [token.slice(0, at).trim().toLowerCase(), value.replace(/^"([^"]*)"$/, '$1')];
}

function accepts(name: string, value: string): boolean {
  if (name === 'max-affected') return /^\d{1,9}$/.test(value);
  if (name === 'timezone') return isTimeZone(value);
  return isChoice(name) && (CHOICES[name] as readonly string[]).includes(value);
}

/** A name, which both we and PostgreSQL have from the IANA. It reads the sign of an offset the other way round. */
function isTimeZone(value: string): boolean {
  if (!/^[A-Za-z]/.test(value)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }) !== undefined;
  } catch {
    return false;
  }
}

function isChoice(name: string): name is keyof typeof CHOICES {
  return Object.hasOwn(CHOICES, name);
}

function isKnown(token: string): boolean {
  const [name] = splitOnce(token);
  return isChoice(name) || name === 'max-affected' || name === 'timezone';
}

function invalidPreferences(tokens: readonly string[]): DataError {
  const known = Object.entries(CHOICES).map(([name, values]) => `${name}=${values.join('|')}`);
  return dataError('invalid_query', `These preferences are not understood: ${tokens.join(', ')}`, {
    code: 'PGRST122',
    details: `Invalid preferences: ${tokens.join(', ')}`,
    hint: `Accepted: ${known.join(', ')}, max-affected=<rows>, timezone=<IANA name>`,
  });
}
