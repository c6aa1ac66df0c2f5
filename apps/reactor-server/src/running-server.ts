import { EXIT } from '@reactor/core';
import type { StateLockOwner } from '@reactor/postgres';
import type { Settings } from './config/settings.js';
import { ExitError } from './exit.js';
import { readAdminToken } from './secrets.js';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A migration may build an index; fetch itself waits no longer for an answer to begin. */
const ANSWER_TIMEOUT_MS = 300_000;

/**
 * Asks the server that holds the state directory, as its operator.
 * @throws ExitError when it does not answer, or refuses
 */
export async function callRunningServer(
  owner: StateLockOwner,
  { config, loaded }: Settings,
  method: 'GET' | 'POST',
  path: string,
): Promise<Answer> {
  const who = `the running server (pid ${owner.pid})`;
  if (owner.url === undefined) throw new ExitError(EXIT.databaseUnreachable, `${who} is still starting; try again`);
  const token = loaded.values.admin?.token ?? (await readAdminToken(config.stateDirectory)) ?? '';
  let response: Response;
  try {
    response = await fetch(new URL(path, owner.url), {
      method,
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
  } catch (error) {
    throw new ExitError(EXIT.databaseUnreachable, `${who} does not answer on ${owner.url}`, { cause: error });
  }
  const body: unknown = await response.json();
  if (response.ok) return { status: response.status, body };
  const message = (body as { error?: { message?: string } }).error?.message ?? `HTTP ${response.status}`;
  throw new ExitError(EXIT.migrationFailed, `${who} refused: ${message}`);
}
