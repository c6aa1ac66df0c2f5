import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PACKAGE } from './bundle.js';

const ROW = /^\| (R-\d+) \| ([ABN]) \| (.+) \| (.+) \|$/;
it('CONFORMANCE.md lists every item, and the tests it names carry their ids', () => {
  const page = readFileSync(join(PACKAGE, 'CONFORMANCE.md'), 'utf8');
  const seen: string[] = [];
  for (const line of page.split('\n')) {
    const [, id = '', kind, , files = ''] = ROW.exec(line) ?? [];
    if (id === '') continue;
    seen.push(id);
    const named = Array.from(files.matchAll(/`([^`]+)`/g), ([, file = '']) => file);
    if (kind !== 'N') expect(named, id).not.toEqual([]);
    for (const file of named) expect(idsIn(file), `${id} in ${file}`).toContain(id);
  }
  expect(seen).toEqual(Array.from({ length: 135 }, (_, index) => `R-${index + 1}`));
});

function idsIn(file: string): string[] {
  const source = readFileSync(join(PACKAGE, file), 'utf8');
  return source.match(/R-\d+(?!\d)/g) ?? [];
}
