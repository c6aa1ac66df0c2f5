/** Formats instants as RFC 3339 in UTC; most lines of a busy server share their millisecond with the one before. */
export function createTimestamps(): (time: number) => string {
  let formattedOf = Number.NaN;
  let formatted = '';
  return (time) => {
    if (time !== formattedOf) {
      formatted = new Date(time).toISOString();
      formattedOf = time;
    }
    return formatted;
  };
}
