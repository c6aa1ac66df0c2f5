/** What every run leaves adds up; what the surroundings open or close meanwhile, such as a pool's idle timer, does not. */
const REPETITIONS = 5;
const NOISE = 2;

/** What may still be closing after its owner said that it is closed: kernel and libuv need a moment. */
const SETTLE_MS = 5_000;
const POLL_MS = 10;

/**
 * Runs `work` several times and then asks Node what would keep the process alive that did not before: timers, sockets, servers,
 * child processes, file operations.
 * @throws Error naming each kind that is left and how many of it
 */
export async function expectNothingLeft(work: () => Promise<unknown>): Promise<void> {
  const before = countResources();
  for (let i = 0; i < REPETITIONS; i++) await work();
  let extra = extraResources(before);
  for (let waited = 0; extra.length > 0 && waited < SETTLE_MS; waited += POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    extra = extraResources(before);
  }
  if (extra.length > 0) throw new Error(`left open: ${extra.join(', ')}`);
}

function countResources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function extraResources(before: ReadonlyMap<string, number>): string[] {
  return Array.from(countResources()).flatMap(([kind, count]) => {
    const extra = count - (before.get(kind) ?? 0);
    return extra > NOISE ? [`${extra} ${kind}`] : [];
  });
}
