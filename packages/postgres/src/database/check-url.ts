import { parseTarget } from './target.js';

/**
 * Whether `openDatabase` takes a connection string, with the files that it names.
 * @throws Error as `parseTarget` does
 */
export function checkDatabaseUrl(connectionString: string): void {
  parseTarget(connectionString);
}
