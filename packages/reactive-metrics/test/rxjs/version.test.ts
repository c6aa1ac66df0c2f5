import { createRequire } from 'node:module';
import { Observable } from 'rxjs';
import { expect, inject, it } from 'vitest';
import { metrics, simpleRegistry } from '../../src/index.js';

it('runs on the RxJS this project says', () => {
  const require = createRequire(import.meta.url);
  const copies = { newest: require('rxjs'), 'rxjs 7.0': require('rxjs-7-0') } as const;
  const own = copies[inject('rxjs')].Observable as typeof Observable;
  expect(Observable).toBe(own);
  expect(metrics(simpleRegistry())(new own())).toBeInstanceOf(own);
});

declare module 'vitest' {
  interface ProvidedContext {
    rxjs: 'newest' | 'rxjs 7.0';
  }
}
