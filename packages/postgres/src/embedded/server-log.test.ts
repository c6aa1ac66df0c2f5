import { expect, test, vi } from 'vitest';
import { recordingLogger } from '../../../testing/src/recording-logger.js';
import { ServerLog } from './server-log.js';

test('reads what a line says and keeps the words of a failed start', () => {
  const { logger, lines } = recordingLogger();
  const onReady = vi.fn();
  const log = new ServerLog(logger, onReady);
  log.read('LOG:  starting PostgreSQL 18.4');
  expect(onReady).not.toHaveBeenCalled();
  log.read('LOG:  database system is ready to accept connections');
  expect(onReady).toHaveBeenCalledOnce();
  for (const line of [
    '[client backend] ERROR:  duplicate key',
    '[checkpointer] PANIC:  could not write',
    'WARNING:  out of date',
    '',
    'FATAL:  terminating',
    'postgres: error while loading shared libraries',
  ]) {
    log.read(line);
  }
  expect(lines.map(({ level, fields }) => [level, fields])).toEqual([
    ['debug', { severity: 'LOG', detail: 'starting PostgreSQL 18.4' }],
    ['debug', { severity: 'LOG', detail: 'database system is ready to accept connections' }],
    ['debug', { severity: 'ERROR', detail: 'duplicate key' }],
    ['error', { detail: 'could not write' }],
    ['warn', { detail: 'out of date' }],
    ['warn', { detail: 'terminating' }],
    ['debug', { detail: 'postgres: error while loading shared libraries' }],
  ]);
  expect(log.lastWords).toBe('could not write terminating postgres: error while loading shared libraries');
});
