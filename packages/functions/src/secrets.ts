import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { functionsErrors } from './errors.js';

/** Encrypts the secrets of functions for the database, each bound to its place there. */
export interface SecretBox {
  /** A different text each time. */
  seal(functionId: string, key: string, value: string): Buffer;
  /** @throws ReactorError `secrets_unreadable` (500) when it was sealed with another secret, for another place, or changed */
  open(functionId: string, key: string, sealed: Uint8Array): string;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** NIST SP 800-38D §8.2.2: random nonces of 96 bits, for up to 2^32 values of one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** First byte of what is sealed, so that another form can come later. */
const FORM = 1;

/**
 * @param secret `functions.secret`
 * @param formerSecrets earlier ones: what they sealed is still opened
 */
export function createSecretBox(secret: string, formerSecrets: readonly string[]): SecretBox {
  const current = keyOf(secret);
  const all = [current, ...formerSecrets.map(keyOf)];
  return {
    seal(functionId, key, value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, current, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(placeOf(functionId, key));
      const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(FORM), nonce, text, cipher.getAuthTag()]);
    },
    open(functionId, key, sealed) {
      for (const candidate of all) {
        const value = tryOpen(candidate, placeOf(functionId, key), sealed);
        if (value !== undefined) return value;
      }
      throw functionsErrors.create.secrets_unreadable('A secret of this function cannot be read by this server.', {
        cause: new Error(
          `the secret ${key} of function ${functionId} was not sealed with functions.secret, nor a former one`,
        ),
      });
    },
  };
}

function keyOf(secret: string): Buffer {
  // RFC 5869: other keys are derived from the same secret, by another info.
  return Buffer.from(hkdfSync('sha256', secret, '', 'reactor functions: secrets', KEY_BYTES));
}

/** Additional data: a row that was copied to another function or name does not open. */
function placeOf(functionId: string, key: string): Buffer {
  return Buffer.from(`${functionId}\0${key}`);
}

function tryOpen(key: Buffer, place: Buffer, sealed: Uint8Array): string | undefined {
  if (sealed[0] !== FORM || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(place);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const text = decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    // The tag is not that of this key.
    return undefined;
  }
}
