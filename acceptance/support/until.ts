import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again until there is an answer.
 * @param look returns undefined, or rejects, while the condition does not hold
 */
export async function until<T>(what: string, look: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
  const end = performance.now() + withinMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const found = await look();
      if (found !== undefined) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(`waited ${withinMs} ms for ${what}`, { cause: last });
}
