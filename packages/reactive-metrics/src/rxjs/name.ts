import type { MonoTypeOperatorFunction, Observable, Subscriber, TeardownLogic } from 'rxjs';
import { metadataOf } from '../stream/discovery.js';
import { assertName } from '../stream/identity.js';
import { assertTag, tagsOf } from '../tags.js';
import { assertObservable, connect } from './source.js';

/**
 * Names a stream for the taps below it; the nearest name above a tap counts. Costs nothing per signal.
 * @throws TypeError when `name` is empty
 */
export function name<T>(name: string): MonoTypeOperatorFunction<T> {
  assertName('the name of a stream', name);
  return (source) => describe('name', source, { name });
}

/**
 * Adds a tag for the taps below it; tags add up along the chain, the nearer one winning on equal keys.
 * @throws TypeError when `key` is empty or either is not a string
 */
export function tag<T>(key: string, value: string): MonoTypeOperatorFunction<T> {
  assertTag(key, value);
  return (source) => describe('tag', source, { tag: [key, value] });
}

interface Description {
  readonly name?: string;
  readonly tag?: readonly [string, string];
}

function describe<T>(operator: string, source: Observable<T>, more: Description): Observable<T> {
  assertObservable(operator, source);
  // Names and tags in a row become one stream over the same origin.
  const known = metadataOf(source);
  const name = more.name ?? known?.name;
  const origin = (known?.origin ?? source) as Observable<T>;
  const tags = tagsOf(known?.tags ?? [], more.tag === undefined ? [] : [more.tag]);
  return connect<T>(origin, PASS_THROUGH, { ...(name === undefined ? {} : { name }), tags, origin });
}

const PASS_THROUGH = {
  // The subscriber itself goes to the source: no link of ours in between.
  call<T>(subscriber: Subscriber<T>, source: Observable<T>): TeardownLogic {
    return source.subscribe(subscriber);
  },
};
