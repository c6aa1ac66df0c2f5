/** What one round trip says. */
export interface PingResult {
  /** As the server names it: `18.4`, `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
}
