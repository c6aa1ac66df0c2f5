import type { Database } from '@reactor/core';
import { symmetricDecrypt } from 'better-auth/crypto';
import type { AuthConfig } from './config.js';
import { AuthKeysUnusableError } from './errors.js';

/** What encrypted values say they were encrypted with; there has been one secret so far. */
export const SECRET_VERSION = 1;

/**
 * Decrypts every key that signs.
 * @returns how many there are; none before the first start
 * @throws AuthKeysUnusableError naming the key that the secret does not open
 */
export async function checkSigningKeys({ secret }: AuthConfig, database: Database): Promise<number> {
  const { rows } = await database.query<{ id: string; encrypted: string }>(
    `SELECT id, private_key AS encrypted FROM reactor_auth.signing_keys WHERE expires_at IS NULL OR expires_at > now()`,
  );
  const key = { keys: new Map([[SECRET_VERSION, secret]]), currentVersion: SECRET_VERSION };
  for (const { id, encrypted } of rows) {
    try {
      JSON.parse(await symmetricDecrypt({ key, data: JSON.parse(encrypted) as string }));
    } catch (cause) {
      throw new AuthKeysUnusableError(
        `auth.secret does not decrypt the signing key ${id}: it is not the one the key was made with`,
        {
          cause,
        },
      );
    }
  }
  return rows.length;
}
