import { type ReactorEnv, requestOf } from '@reactor/core';
import type { Context } from 'hono';
import { CLIENT_ADDRESS_HEADER } from '../provider.js';
import type { Client } from '../sessions.js';

/** Address of the caller, as far as the surrounding app tells. */
export function clientAddress(c: Context<ReactorEnv>): string | undefined {
  return requestOf(c).peer?.clientAddress;
}

/** What is remembered with a session about where it began. Cookies stay behind: the alias routes know none. */
export function clientOf(c: Context<ReactorEnv>): Client {
  const headers = new Headers();
  const userAgent = c.req.header('User-Agent');
  if (userAgent !== undefined) headers.set('User-Agent', userAgent);
  const address = clientAddress(c);
  if (address !== undefined) headers.set(CLIENT_ADDRESS_HEADER, address);
  return { address, headers };
}
