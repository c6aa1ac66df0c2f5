import type { PoolName } from './metrics.js';

/** How `database.pool_max` is divided. Callers wait for each other, and never for the pool that runs the server itself. */
const PARTS: Readonly<Record<PoolName, number>> = { requests: 0.6, system: 0.3, jobs: 0.1 };

/** Fewer connections than this make a pool wait for itself. */
const LEAST = 2;

/** The smallest `database.pool_max`: each of the three pools gets its least. */
export const MINIMUM_POOL_MAX = LEAST * Object.keys(PARTS).length;

/**
 * The most connections of each pool; the parts of absent pools go to `requests`, or to the first where there is none.
 * @param total at least `MINIMUM_POOL_MAX`
 */
export function sharesOf<const Name extends PoolName>(total: number, pools: readonly Name[]): Record<Name, number> {
  const rest = pools.includes('requests' as Name) ? ('requests' as Name) : (pools[0] as Name);
  const shares = {} as Record<Name, number>;
  let left = total;
  for (const pool of pools) {
    if (pool === rest) continue;
    shares[pool] = Math.max(LEAST, Math.floor(total * PARTS[pool]));
    left -= shares[pool];
  }
  shares[rest] = left;
  return shares;
}
