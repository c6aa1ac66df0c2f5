import type { ClientConfig } from 'pg';

/** As whom a pool connects. */
export interface Login {
  /** Whether that is settled; until it is, `prepare` settles it. */
  readonly isReady: boolean;
  /** How connections are opened from now on; another object once that has changed. */
  readonly clientConfig: ClientConfig;
  /** @throws ReactorError `database_unavailable` (503) while that cannot be settled */
  prepare(): Promise<void>;
  /**
   * The server turned this login away, as `isLoginRefusal` tells.
   * @param used `clientConfig` as it was when the connection was asked for
   * @returns whether connecting again has a chance
   */
  refused(error: unknown, used: ClientConfig): Promise<boolean>;
  /** The server let it in. */
  accepted(): void;
}

/** The login that the operator configured. There is no other. */
export function configuredLogin(clientConfig: ClientConfig): Login {
  return { isReady: true, clientConfig, prepare: async () => {}, refused: async () => false, accepted: () => {} };
}
