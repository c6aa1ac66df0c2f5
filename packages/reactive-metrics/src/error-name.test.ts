import { EmptyError, TimeoutError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { errorName } from './error-name.js';

class FooError extends Error {}

describe('errorName', () => {
  it.each([
    ['its name, as RxJS sets it', new TimeoutError(), 'TimeoutError'],
    ['its name before its class', new EmptyError(), 'EmptyError'],
    ['its class where the name says nothing', new FooError('x'), 'FooError'],
    ['its name where it was set', Object.assign(new FooError('x'), { name: 'Own' }), 'Own'],
    ['AbortError for an abort', AbortSignal.abort().reason, 'AbortError'],
    ['Error for an Error', new Error('x'), 'Error'],
    ['Error for an object', {}, 'Error'],
    ['Error without a constructor', Object.create(null), 'Error'],
    ['Error for a name that is no text', Object.assign(new Error('x'), { name: 7 }), 'Error'],
    ['its type for a string', 'boom', 'string'],
    ['its type for undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['its type for a number', 7, 'number'],
  ])('gives %s', (_what, error, expected) => {
    expect(errorName(error)).toBe(expected);
  });

  it('survives an object that throws when it is looked at', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no look');
        },
      },
    );
    expect(errorName(hostile)).toBe('Error');
  });
});
