import { packageVersion } from '@reactor/core/node';

/** The release of this server. */
export function serverVersion(): string {
  return packageVersion(new URL('../package.json', import.meta.url));
}
