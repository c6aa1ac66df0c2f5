import { coreErrors, type Database } from '@reactor/core';

/** A database that cannot be opened, for probes to find out why. @param reason said in every refusal */
export function unavailableDatabase(reason: string): Database {
  const refuse = async (): Promise<never> => {
    throw coreErrors.create.database_unavailable(reason);
  };
  return {
    query: refuse,
    connect: refuse,
    transaction: refuse,
    ping: refuse,
    events: { publish: refuse, subscribe: () => ({ stop: async () => {} }) },
  };
}
