import type { Queryable, QueryOptions } from '@reactor/core';

/** The driver reads the rows of one answer without letting others have their turn: those of 50 tables take some 5 ms. */
const ROWS = 50;

const CURSOR = 'reactor_portions';

/** Begins a statement whose rows come in portions, by {@link fetchPortions}. */
export const declarePortions = (text: string) => `DECLARE ${CURSOR} NO SCROLL CURSOR FOR ${text}`;

/** The rows of a statement that {@link declarePortions} began in this transaction. */
export async function fetchPortions<Row>(transaction: Queryable, options?: QueryOptions): Promise<readonly Row[]> {
  const all: Row[] = [];
  for (;;) {
    const { rows } = await transaction.query<Row>(`FETCH ${ROWS} FROM ${CURSOR}`, [], options);
    all.push(...rows);
    if (rows.length < ROWS) break;
  }
  await transaction.query(`CLOSE ${CURSOR}`, [], options);
  return all;
}

/** The rows of a statement, in a transaction. They may be many: other requests have their turn meanwhile. */
export async function readInPortions<Row>(
  transaction: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  await transaction.query(declarePortions(text), values);
  return fetchPortions<Row>(transaction);
}
