import { expect, test } from 'vitest';
import { coreErrors } from './errors.js';
import { SQL_ANSWERS, toReactorError } from './sql-answers.js';

test('an unknown error tells the caller nothing and the log everything', () => {
  const cause = new Error('password=hunter2');
  const error = toReactorError(cause);
  expect(error.code).toBe('internal_error');
  expect(error.cause).toBe(cause);
  expect(JSON.stringify(error.toEnvelope())).not.toContain('hunter2');
});

const sqlError = (code: string) => Object.assign(new Error('value "s3cret"'), { code, severity: 'ERROR' });

test.each([
  ['08006', 503, 'database_unavailable', '1'],
  ['22P02', 400, 'invalid_value', undefined],
  ['23502', 400, 'constraint_violation', undefined],
  ['23503', 409, 'conflict', undefined],
  ['23505', 409, 'conflict', undefined],
  ['40001', 503, 'write_conflict', '1'],
  ['40P01', 503, 'write_conflict', '1'],
  ['53100', 503, 'database_unavailable', '1'],
  ['54000', 400, 'invalid_value', undefined],
  ['55P03', 504, 'lock_timeout', '1'],
  ['57014', 504, 'statement_timeout', undefined],
  ['57P01', 503, 'database_unavailable', '1'],
  ['58030', 503, 'database_unavailable', '1'],
  ['42P01', 500, 'internal_error', undefined],
  ['55000', 500, 'internal_error', undefined],
  ['XX000', 500, 'internal_error', undefined],
] as const)('SQLSTATE %s is %i %s, without its text', (sqlstate, status, code, retryAfter) => {
  const cause = sqlError(sqlstate);
  const error = toReactorError(cause);
  expect(error).toMatchObject({ status, code, cause });
  expect(error.headers['Retry-After']).toBe(retryAfter);
  expect(JSON.stringify(error.toEnvelope())).not.toContain('s3cret');
});

test('a code of Node that looks like a SQLSTATE is none', () => {
  const error = toReactorError(Object.assign(new Error('write EPIPE'), { code: '08006' }));
  expect(error.code).toBe('internal_error');
});

test('what may succeed the next time is no mistake of the caller, and what is one stays one', () => {
  const statuses = (again: boolean) =>
    Object.values(SQL_ANSWERS).flatMap((answer) =>
      answer.again === again ? [coreErrors.codes[answer.code].status] : [],
    );
  expect(new Set(statuses(true))).toEqual(new Set([503, 504]));
  // A statement that takes too long takes as long the next time.
  expect(new Set(statuses(false))).toEqual(new Set([400, 409, 504]));
});
