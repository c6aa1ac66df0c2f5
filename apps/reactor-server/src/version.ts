import { readFileSync } from 'node:fs';

/** The release of this server, from its package.json. */
export function serverVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
