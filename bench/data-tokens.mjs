import { createLocalJWKSet, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose';
import { USER_ID } from './data-schema.mjs';

/** One token that is only looked up, and one whose signature has to be verified. */
export async function issueTokens() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const key = { ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'bench' };
  const signed = new SignJWT({ email: 'user@example.com' })
    .setProtectedHeader({ alg: 'ES256', kid: 'bench' })
    .setSubject(USER_ID)
    .setIssuer('bench')
    .setExpirationTime('1h');
  return { lookup: 'known', ES256: await signed.sign(await importJWK(await exportJWK(privateKey), 'ES256')), key };
}

/** The same work for both servers: who has this token? */
export function tokenVerifier({ lookup, key }) {
  const known = new Map([[lookup, { sub: USER_ID, email: 'user@example.com' }]]);
  const keys = createLocalJWKSet({ keys: [key] });
  return async (token) => {
    const claims = known.get(token);
    if (claims !== undefined) return claims;
    const { payload } = await jwtVerify(token, keys, { issuer: 'bench', algorithms: ['ES256'] });
    return payload;
  };
}
