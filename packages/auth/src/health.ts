import { databaseHealth } from '@reactor/core';

/** Auth can answer nothing but its public keys without the database, so the database decides. */
export const authHealth = databaseHealth;
