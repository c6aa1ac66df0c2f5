/** Where a request came from, as far as the socket and the configured proxies can be trusted. */
export interface Peer {
  /** Remote address of the socket. */
  readonly address: string;
  /** Whether the request says that it was relayed (`Forwarded`, `X-Forwarded-*`). */
  readonly forwarded: boolean;
  /** The client's address behind trusted proxies; the socket's where there are none. */
  readonly clientAddress: string;
}
