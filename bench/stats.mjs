/** Median of numbers; the machine's noise goes to both sides of it. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** @param q from 0 to 1 */
export function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

export function report(rows) {
  for (const [what, value] of rows) console.log(`${what.padEnd(52)} ${value}`);
}
