import { expect, test } from 'vitest';
import type { DoctorReport } from '../doctor-report.js';
import { renderDoctorReport } from './render-doctor.js';

const duration_ms = 1;
const refused = {
  name: 'db_ping',
  status: 'fail',
  message: 'Nobody listens.',
  remedy: 'Start PostgreSQL.',
  duration_ms,
} as const;
const knockOn = {
  name: 'migrations',
  status: 'fail',
  remedy: 'Repair auth/db_ping first.',
  caused_by: 'database',
  duration_ms,
} as const;
const odd = { name: 'blobs', status: 'warn', message: 'odd\u001b[2J\nname', remedy: 'Look.', duration_ms } as const;
const report: DoctorReport = {
  auth: { status: 'fail', checks: [refused] },
  data: { status: 'fail', checks: [knockOn] },
  storage: { status: 'warn', checks: [{ name: 'fs_writable', status: 'ok', message: '12 GB free', duration_ms }, odd] },
};

test('the text shows marks, messages and remedies, and what a failure explains below it', () => {
  expect(renderDoctorReport(report)).toBe(`✖ auth
  ✖ auth.db_ping: Nobody listens.
      → Start PostgreSQL.
      ↳ because of database: data.migrations
✖ data
! storage
  ✔ storage.fs_writable: 12 GB free
  ! storage.blobs: odd\\x1b[2J\\nname
      → Look.

1 ok, 1 to look at, 1 failed, 1 more because of database
`);
});

test('with two causes it does not say which of them explains the rest', () => {
  const second = { ...refused, name: 'fs_writable' };
  const text = renderDoctorReport({ ...report, storage: { status: 'fail', checks: [second] } });
  expect(text).toContain(
    '✖ storage\n  ✖ storage.fs_writable: Nobody listens.\n      → Start PostgreSQL.\n↳ because of database: data.migrations\n',
  );
});

test('checks of the one who prints come first, and count', () => {
  const first = [{ name: 'server', status: 'ok' }] as const;
  const paint = (color: string, text: string) => `<${color}>${text}`;
  expect(renderDoctorReport({}, { first, paint })).toBe('<green>✔ server\n\n1 ok, 0 to look at, 0 failed\n');
});
