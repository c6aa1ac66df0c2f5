import { subscribe, unsubscribe } from 'node:diagnostics_channel';

/** Where the client behind `fetch` tells that it writes the head of a request to an open connection. */
const CHANNEL = 'undici:client:sendHeaders';

/**
 * Calls `onSent` when the request with this id leaves. The error of a failed `fetch` does not tell: a timeout may have
 * struck before the connection was there.
 * @returns stops watching
 */
export function whenSent(requestId: string, onSent: () => void): () => void {
  const listener = (message: unknown) => {
    if ((message as { readonly headers: string }).headers.includes(requestId)) onSent();
  };
  subscribe(CHANNEL, listener);
  return () => void unsubscribe(CHANNEL, listener);
}
