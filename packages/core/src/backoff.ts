/** Exponential, between half and the whole of the step, so that those who failed together do not retry together. */
export function jitteredDelayMs(
  attempt: number,
  { firstMs, maxMs }: { readonly firstMs: number; readonly maxMs: number },
): number {
  const step = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return step / 2 + (Math.random() * step) / 2;
}
