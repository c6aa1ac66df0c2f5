import type { ClientConfig } from 'pg';
import { ReactorClient } from './client.js';
import { unavailable } from './errors.js';

/** One statement on a connection of its own, which ends with it, or as soon as `signal` aborts. @returns its first row */
export async function roundTrip<Row>(config: ClientConfig, text: string, signal: AbortSignal): Promise<Row> {
  const client = new ReactorClient(config);
  // What ends the connection also rejects connect() or query(), and is reported there.
  client.on('error', () => {});
  const destroy = () => client.connection.stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  try {
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows[0] as Row;
  } catch (error) {
    destroy();
    throw unavailable('The database cannot be reached.', error);
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}
