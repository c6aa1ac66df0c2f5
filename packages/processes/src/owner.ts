import { commandLine, parentOf } from './process-table.js';

/**
 * What the supervisor of a child is called (its `$0`), so that others can tell which process started it.
 * @param kind what the child is, in lower case: `postgres`
 */
export function supervisorName(kind: string, owner: number): string {
  return `reactor-${kind}-of-${owner}`;
}

/**
 * The pid of the living process that started this child; undefined for a child that its process left behind.
 * Supervisors of a dead owner get another parent, whose pid is unknown: 1, or any subreaper.
 */
export async function findOwner(kind: string, child: number): Promise<number | undefined> {
  const supervisor = await parentOf(child);
  if (supervisor === undefined) return undefined;
  const owner = await parentOf(supervisor);
  if (owner === undefined) return undefined;
  const words = (await commandLine(supervisor)).split(' ');
  return words.includes(supervisorName(kind, owner)) ? owner : undefined;
}
