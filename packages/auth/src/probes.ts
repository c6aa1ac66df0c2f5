import {
  type Database,
  type DoctorProbe,
  databasePingProbe,
  databaseProbe,
  isSqlError,
  type ProbeResult,
  SQLSTATE,
} from '@reactor/core';
import { type AuthConfig, isLoopbackHost } from './config.js';
import { AuthKeysUnusableError } from './errors.js';
import { checkSigningKeys } from './key-check.js';

/** What doctor asks of auth. */
export function authProbes(config: AuthConfig, database: Database): readonly DoctorProbe[] {
  return [databasePingProbe(database), signingKeys(config, database), configuration(config)];
}

function signingKeys(config: AuthConfig, database: Database): DoctorProbe {
  return databaseProbe({
    name: 'signing_keys',
    timeoutMs: 2_000,
    database,
    async run(signal) {
      try {
        const usable = await checkSigningKeys(config, database, { signal });
        if (usable > 0) return { status: 'ok', message: `${usable} signing key${usable === 1 ? '' : 's'} usable` };
        return {
          status: 'warn',
          code: 'no_signing_key',
          message: 'there is no signing key yet',
          remedy: 'Start the server: it makes the first key.',
        };
      } catch (error) {
        return keysFailed(error);
      }
    },
  });
}

const NOT_MIGRATED: ReadonlySet<string> = new Set([SQLSTATE.undefinedTable, SQLSTATE.invalidSchemaName]);

function keysFailed(error: unknown): ProbeResult {
  if (error instanceof AuthKeysUnusableError) {
    return {
      status: 'fail',
      code: 'signing_keys_unusable',
      message: error.message,
      remedy:
        error.reason === 'secret'
          ? 'Set auth.secret back to the value the keys were made with.'
          : 'Restore the row of reactor_auth.signing_keys from a backup.',
    };
  }
  if (isSqlError(error) && NOT_MIGRATED.has(error.code)) {
    return {
      status: 'fail',
      code: 'not_migrated',
      message: 'the tables of reactor_auth are missing',
      remedy: 'Start the server or run `reactor-server migrate`.',
    };
  }
  throw error;
}

/** A secret of 32 characters can still be a repeated word. As many bits as a random AES key nearly has. */
const MIN_SECRET_BITS = 120;

function configuration(config: AuthConfig): DoctorProbe {
  return {
    name: 'configuration',
    timeoutMs: 100,
    async run() {
      if (config.secret.length * Math.log2(new Set(config.secret).size) < MIN_SECRET_BITS) {
        return {
          status: 'warn',
          code: 'weak_secret',
          message: 'auth.secret is long enough but has too few different characters to be random',
          remedy: 'Before users sign up, replace auth.secret with the output of `openssl rand -base64 32`.',
        };
      }
      const url = config.publicUrl === undefined ? undefined : new URL(config.publicUrl);
      if (url?.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
        return {
          status: 'warn',
          code: 'unencrypted_public_url',
          message: 'auth.public_url is http: passwords and tokens travel unencrypted',
          remedy: 'Serve the site over https and set auth.public_url to its https:// address.',
        };
      }
      return { status: 'ok' };
    },
  };
}
