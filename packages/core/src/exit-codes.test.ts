import { expect, test } from 'vitest';
import { defineErrors } from './errors.js';
import { EXIT, exitCodeOf } from './exit-codes.js';

const errors = defineErrors({
  keys_lost: { status: 500, when: 'Never.', exitCode: EXIT.keysUnusable },
  busy: { status: 503, when: 'Never.' },
});

test('an error of a code that asks for an exit code has it, every other the one of its step', () => {
  expect(exitCodeOf(errors.create.keys_lost('gone', { details: {} }), EXIT.uncaught)).toBe(EXIT.keysUnusable);
  expect(exitCodeOf(errors.create.busy('later'), EXIT.capabilityFailed)).toBe(EXIT.capabilityFailed);
  for (const foreign of [Object.assign(new Error('npm'), { exitCode: 127 }), 'text', undefined]) {
    expect(exitCodeOf(foreign, EXIT.uncaught)).toBe(EXIT.uncaught);
  }
});
