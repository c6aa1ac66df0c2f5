/** Where capabilities are listed and there are none. */
export const NO_CAPABILITY = 'no capability is mounted';

const SGR = { red: '31', green: '32', yellow: '33', dim: '2' } as const;
export type Color = keyof typeof SGR;

export type Paint = (color: Color, text: string) => string;

/** @param enabled colours only where a person looks, and not when NO_COLOR is set */
export function painter(enabled: boolean): Paint {
  return (color, text) => (enabled ? `\u001b[${SGR[color]}m${text}\u001b[0m` : text);
}

/** The two largest units: `12s`, `3m 4s`, `2h 5m`, `1d 3h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'm'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first === -1) return '0s';
  return parts
    .slice(first, first + 2)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ');
}

/** An RFC 3339 instant as `2026-01-31 12:00:00`, in the time zone of this machine. */
export function localTime(timestamp: string): string {
  const at = new Date(timestamp);
  const two = (part: number) => String(part).padStart(2, '0');
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `412 B`, `3.1 KiB`, `48.0 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

/** Rows with their columns below each other, and no space at the end. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
