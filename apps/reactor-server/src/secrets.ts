import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError } from './config/errors.js';

/** The operator's token has a file of its own, so that a script can read it without parsing. */
export const ADMIN_TOKEN_FILE = 'admin-token';
const SECRETS_FILE = 'secrets.json';

/**
 * The secrets that nobody configured, made once and kept in the state directory, readable by its owner only.
 * @param missing key paths such as `auth.secret`
 * @param keep whether new ones are written; a process that only looks leaves no trace
 * @returns by key path
 * @throws ConfigError when a file is there but unusable: a new secret would make what the old one protects unreadable
 */
export async function generatedSecrets(
  stateDirectory: string,
  missing: readonly string[],
  keep = true,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  if (missing.length === 0) return found;
  const kept = await readSecrets(stateDirectory);
  const added: string[] = [];
  for (const keyPath of missing) {
    const value = keyPath === 'admin.token' ? await readAdminToken(stateDirectory) : kept[keyPath];
    if (value === undefined) added.push(keyPath);
    found.set(keyPath, value ?? randomBytes(32).toString('base64url'));
  }
  if (!keep || added.length === 0) return found;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  if (added.includes('admin.token')) {
    await writePrivate(path.join(stateDirectory, ADMIN_TOKEN_FILE), `${found.get('admin.token')}\n`);
  }
  if (added.some((keyPath) => keyPath !== 'admin.token')) {
    const all = { ...kept };
    for (const [keyPath, value] of found) if (keyPath !== 'admin.token') all[keyPath] = value;
    await writePrivate(path.join(stateDirectory, SECRETS_FILE), `${JSON.stringify(all, null, 2)}\n`);
  }
  return found;
}

/** The generated admin token of a state directory, if there is one. */
export async function readAdminToken(stateDirectory: string): Promise<string | undefined> {
  const file = path.join(stateDirectory, ADMIN_TOKEN_FILE);
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const token = text.trim();
  if (token.length >= 32) return token;
  throw new ConfigError([
    `admin.token: ${file} does not hold a token of at least 32 characters; delete it to get a new one`,
  ]);
}

async function readSecrets(stateDirectory: string): Promise<Record<string, string>> {
  const file = path.join(stateDirectory, SECRETS_FILE);
  const text = await readIfThere(file);
  if (text === undefined) return {};
  try {
    const secrets: unknown = JSON.parse(text);
    if (typeof secrets === 'object' && secrets !== null && Object.values(secrets).every((v) => typeof v === 'string')) {
      return secrets as Record<string, string>;
    }
  } catch {
    // Told below, together with valid JSON of another shape.
  }
  throw new ConfigError([`${file} is damaged; restore it from a backup, since it protects stored keys`]);
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError([`${file}: ${(error as Error).message}`]);
  }
}

/** Whole or not at all, and on disk: losing a secret that is in use cannot be repaired. */
async function writePrivate(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
