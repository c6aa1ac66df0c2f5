import { commandLine, parentOf } from './process-table.js';

const NAME = 'reactor-postgres-of-';

/** What the supervisor of a PostgreSQL is called (its `$0`), so that others can tell which process started it. */
export function supervisorName(owner: number): string {
  return `${NAME}${owner}`;
}

/**
 * The pid of the living process whose PostgreSQL this is; undefined for one that its process left behind.
 * Supervisors of a dead owner are handed to another parent, whose pid is anybody's guess: 1, or any subreaper.
 */
export async function findOwner(postmaster: number): Promise<number | undefined> {
  const supervisor = await parentOf(postmaster);
  if (supervisor === undefined) return undefined;
  const owner = Number(new RegExp(`${NAME}(\\d+)`).exec(await commandLine(supervisor))?.[1]);
  return (await parentOf(supervisor)) === owner ? owner : undefined;
}
