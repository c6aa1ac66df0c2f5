/**
 * What peers.mjs gives each server: `connectionString`, `poolSize`, and what an access token is checked by: `publicKey`
 * (PEM), `issuer`, `audience`.
 */
export const settings = JSON.parse(process.argv[2]);

/** Tells peers.mjs that the server listens. */
export function listening(port) {
  process.send({ port });
}

// Killed, the parent cannot stop its children.
process.once('disconnect', () => process.exit());
