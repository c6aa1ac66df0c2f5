import { Client, type ClientConfig } from 'pg';

/** The server asks for a password and the URL holds none; waiting does not help. */
export class PasswordMissingError extends Error {
  override readonly name = 'PasswordMissingError';
}

/**
 * The driver's client as `parseTarget` configures it, deaf to the process's environment. What is absent in a
 * configuration the driver takes from there, and for these two no value means "absent": an empty one is read as absent,
 * and any other is sent as a start-up parameter, which a pooler refuses.
 */
export class ReactorClient extends Client {
  constructor(config: ClientConfig) {
    super(config);
    const { connectionParameters } = this as unknown as { connectionParameters: Record<string, unknown> };
    // Environment: PGOPTIONS.
    connectionParameters.options = config.options;
    // Environment: PGREPLICATION.
    connectionParameters.replication = undefined;
  }
}
