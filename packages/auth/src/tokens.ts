import { type Clock, coreErrors, type Principal, type TokenVerifier, toReactorError } from '@reactor/core';
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose';
import type { AuthConfig } from './config.js';
import type { AuthMetrics } from './metrics.js';
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.js';
import { VerifiedTokens } from './verified-tokens.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Verifies access tokens by signature and claims, without asking the database about the session: one that was ended
 * keeps its access token until that expires. Session tokens are refused: they open `/auth/v1` and nothing else.
 */
export function createTokenVerifier(
  keys: SigningKeys,
  config: AuthConfig,
  clock: Clock,
  metrics: AuthMetrics,
): TokenVerifier {
  const verified = new VerifiedTokens();
  return {
    async verify(token): Promise<Principal> {
      try {
        const current = keys.fresh();
        const known = verified.find(token, current, clock.now());
        if (known !== undefined) {
          metrics.verified('ok');
          return known;
        }
        requireKnownForm(token);
        const { payload } = await jwtVerify(token, keys.resolve, {
          issuer: config.jwtIssuer,
          audience: config.jwtAudience,
          algorithms: [SIGNING_ALGORITHM],
          currentDate: new Date(clock.now()),
          requiredClaims: ['sub', 'exp'],
        });
        const principal = toPrincipal(payload);
        // Were they read again meanwhile, nobody could say which of the two it was verified with.
        if (current !== undefined && current === keys.fresh()) {
          verified.remember(token, current, { principal, expiresAt: payload.exp as number });
        }
        metrics.verified('ok');
        return principal;
      } catch (error) {
        const result = resultOf(error);
        metrics.verified(result);
        if (result === 'failed') throw toReactorError(error);
        throw coreErrors.create.invalid_token(
          result === 'expired' ? 'The access token has expired.' : 'The access token is not valid.',
          { cause: error, headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } },
        );
      }
    },
  };
}

/** Saves looking in the database for keys that cannot be ours: their ids are UUIDs. */
function requireKnownForm(token: string): void {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(token);
  } catch (cause) {
    throw new errors.JWTInvalid('not a JWT', { cause });
  }
  if (header.kid === undefined || !UUID.test(header.kid)) throw new errors.JWTInvalid('the key id is none of ours');
}

function toPrincipal(claims: JWTPayload): Principal {
  const { sub, email, org_id, org_role } = claims;
  if (sub === undefined || !UUID.test(sub)) throw new errors.JWTInvalid('sub is not a user id');
  return {
    kind: 'user',
    id: sub,
    ...(typeof email === 'string' ? { email } : {}),
    ...(typeof org_id === 'string' ? { orgId: org_id } : {}),
    ...(typeof org_role === 'string' ? { orgRole: org_role } : {}),
    claims,
  };
}

function resultOf(error: unknown): 'expired' | 'invalid' | 'failed' {
  if (error instanceof errors.JWTExpired) return 'expired';
  // Anything jose did not say itself is ours: the keys could not be read.
  return error instanceof errors.JOSEError ? 'invalid' : 'failed';
}
