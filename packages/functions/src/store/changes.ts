import type { Database, Queryable } from '@reactor/core';

/** Subject of the event that tells other servers of a change; its payload is the name of the function. */
export const CHANGED = 'functions.changed';

/** Once in a transaction, with its commit. */
export function publishChange(
  { events }: Pick<Database, 'events'>,
  connection: Queryable,
  functionName: string,
): Promise<void> {
  return events.publish(CHANGED, functionName, connection);
}
