import type { Peer, ReactorEnv } from '@reactor/core';
import type { Context } from 'hono';

/**
 * Recognises the operator's token.
 * @throws ReactorError `forbidden` (403) for the right token from where it is not accepted
 */
export type IsOperator = (token: string, peer?: Peer) => boolean;

/** Whether a request carries the operator's token. */
export function isFromOperator(c: Context<ReactorEnv>, isOperator: IsOperator | undefined): boolean {
  const token = /^Bearer +(\S+) *$/i.exec(c.req.header('Authorization') ?? '')?.[1];
  return token !== undefined && isOperator?.(token, c.get('peer')) === true;
}
