import { type Database, type QueryOptions, reasonOf } from '@reactor/core';
import { symmetricDecrypt } from 'better-auth/crypto';
import type { AuthConfig } from './config.js';
import { AuthKeysUnusableError } from './errors.js';

/** What encrypted values say they were encrypted with; there has been one secret so far. */
export const SECRET_VERSION = 1;

/** What the cipher says when the secret is another one than the value was encrypted with. */
const OTHER_SECRET = 'invalid tag';

/**
 * Decrypts every key that signs.
 * @returns how many there are; none before the first start
 * @throws AuthKeysUnusableError naming the key that cannot be read, and whether the secret is the reason
 */
export async function checkSigningKeys(
  { secret }: AuthConfig,
  database: Database,
  options?: QueryOptions,
): Promise<number> {
  const { rows } = await database.query<{ id: string; encrypted: string }>(
    `SELECT id, private_key AS encrypted FROM reactor_auth.signing_keys WHERE expires_at IS NULL OR expires_at > now()`,
    [],
    options,
  );
  const key = { keys: new Map([[SECRET_VERSION, secret]]), currentVersion: SECRET_VERSION };
  for (const { id, encrypted } of rows) {
    const stored = parseJson(encrypted);
    if (typeof stored !== 'string') throw damaged(id, 'its row holds no encrypted key');
    const clear = await symmetricDecrypt({ key, data: stored }).catch((cause: unknown) => {
      throw undecryptable(id, cause);
    });
    if (parseJson(clear) === undefined) throw damaged(id, 'what it decrypts to is not a key');
  }
  return rows.length;
}

function undecryptable(id: string, cause: unknown): AuthKeysUnusableError {
  const reason = reasonOf(cause);
  if (reason !== OTHER_SECRET) {
    return new AuthKeysUnusableError(`the signing key ${id} cannot be decrypted: ${reason}`, 'key', { cause });
  }
  const message = `auth.secret does not decrypt the signing key ${id}: it is not the one the key was made with`;
  return new AuthKeysUnusableError(message, 'secret', { cause });
}

function damaged(id: string, how: string): AuthKeysUnusableError {
  return new AuthKeysUnusableError(`the signing key ${id} is damaged: ${how}`, 'key');
}

/** Undefined for what is not JSON. The parser's error would quote its input, which may be a private key. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
