import { expect, test, vi } from 'vitest';
import { recordingLogger } from '../../test/support/recording-logger.js';
import { ServerLog } from './server-log.js';

test('reads lines across chunks and keeps the words of a failed start', () => {
  const { logger, lines } = recordingLogger();
  const onReady = vi.fn();
  const log = new ServerLog(logger, onReady);
  log.push('LOG:  starting PostgreSQL 18.4\nLOG:  database system is ready to acc');
  expect(onReady).not.toHaveBeenCalled();
  log.push('ept connections\n[client backend] ERROR:  duplicate key\n[checkpointer] PANIC:  could not write\n');
  expect(onReady).toHaveBeenCalledOnce();
  log.push('WARNING:  out of date\nFATAL:  terminating\npostgres: error while loading shared libraries\n');
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
