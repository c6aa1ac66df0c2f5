import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const PAGE = path.resolve(import.meta.dirname, '../docs/reference/conformance.md');
/** The checklist of the contract counts from O-1 to this. */
const CLAIMS = 91;

const text = readFileSync(PAGE, 'utf8');
const [kept = '', later = ''] = text.split('## Not in this release');

interface Row {
  readonly ids: readonly string[];
  readonly cells: readonly string[];
}

/** The rows of all tables whose first cell holds ids. */
function rowsOf(part: string): Row[] {
  return part
    .split('\n')
    .filter((line) => /^\| O-\d/.test(line))
    .map((line) => line.slice(2, -2).split(' | '))
    .map(([first = '', ...cells]) => ({ ids: first.split(', '), cells }));
}

/** One file with what it holds: names of tests, or words of a page. */
const REFERENCE = /^\[[^\]]+\]\(([^)]+)\) ((?:`[^`]+`(?:, )?)+)$/;

interface Reference {
  readonly target: string;
  readonly names: readonly string[];
}

/** What stands in the last column; text that has not the form of a reference names nothing. */
function referencesOf(row: Row): Reference[] {
  return (row.cells.at(-1) ?? '').split('<br>').map((reference) => {
    const [, target = '', names = ''] = REFERENCE.exec(reference) ?? [];
    return { target, names: [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name) };
  });
}

test('every claim of the contract stands on the page once', () => {
  const ids = [...rowsOf(kept), ...rowsOf(later)].flatMap((row) => row.ids);
  const claims = Array.from({ length: CLAIMS }, (_, i) => `O-${i + 1}`);
  expect(ids.toSorted(byNumber)).toEqual(claims);
});

test('every claim has words, and what is not kept a reason', () => {
  const bare = [...rowsOf(kept), ...rowsOf(later)].filter(({ cells }) => cells.some((cell) => cell.trim() === ''));
  expect(bare).toEqual([]);
  expect(rowsOf(kept).filter(({ cells }) => cells.length !== 2)).toEqual([]);
  expect(rowsOf(later).filter(({ cells }) => cells.length !== 1)).toEqual([]);
});

test('every reference is to a test that is there, or to words of a page', () => {
  const broken = rowsOf(kept).flatMap((row) =>
    referencesOf(row)
      .filter(({ target, names }) => names.length === 0 || !names.every((name) => holds(target, name)))
      .map((reference) => ({ ids: row.ids, ...reference })),
  );
  expect(broken).toEqual([]);
});

test('every link leads somewhere', () => {
  const targets = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  expect(targets.filter((target) => !existsSync(path.resolve(path.dirname(PAGE), target)))).toEqual([]);
});

function holds(target: string, name: string): boolean {
  const file = path.resolve(path.dirname(PAGE), target);
  if (!existsSync(file)) return false;
  const source = readFileSync(file, 'utf8');
  return target.endsWith('.test.ts') ? titlesOf(source).includes(name) : source.includes(name);
}

/** Titles of tests and suites, also those behind `.each(…)`. One that skips is none. */
function titlesOf(source: string): string[] {
  const calls = source.matchAll(/(?:\b(?:test|it|describe)|\))\(\s*(['"`])(.+?)\1,/g);
  return [...calls].map(([, , title = '']) => title);
}

function byNumber(a: string, b: string): number {
  return Number(a.slice(2)) - Number(b.slice(2));
}
