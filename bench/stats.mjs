/** Median of numbers; the machine's noise goes to both sides of it. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function report(rows) {
  for (const [what, value] of rows) console.log(`${what.padEnd(52)} ${value}`);
}
