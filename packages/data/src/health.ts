import { databaseHealth } from '@reactor/core';

/** Everything of data is in the database, so the database decides. */
export const dataHealth = databaseHealth;
