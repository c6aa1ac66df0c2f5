import type { StreamIdentity } from '../signals/listener.js';
import { tagsOf } from '../tags.js';
import type { Discovered } from './discovery.js';
import type { StreamOptions } from './options.js';

/**
 * Settles what a stream is called: options win over what was discovered, the default comes last.
 * @throws TypeError for an empty name, a wrong type or a bad tag
 */
export function identify(options: StreamOptions, discovered: Discovered | undefined, fallback: string): StreamIdentity {
  if (options.name !== undefined) assertName('the name of a stream', options.name);
  const { type = 'Flux' } = options;
  if (type !== 'Flux' && type !== 'Mono') {
    throw new TypeError(`the type of a stream must be 'Flux' or 'Mono', got ${String(type)}`);
  }
  const name = options.name ?? discovered?.name;
  const tags = tagsOf(discovered?.tags ?? [], options.tags ?? []);
  return { name: name ?? fallback, named: name !== undefined, type, tags };
}

/** @throws TypeError unless `value` is a non-empty string */
export function assertName(what: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${what} must be a non-empty string`);
}
