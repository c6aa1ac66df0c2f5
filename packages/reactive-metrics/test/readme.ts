import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE } from './bundle.js';

/** The programs of the README, each with the output the README shows for it. */
export function readmePrograms(): { code: string; output: string }[] {
  const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const blocks = readme.matchAll(/```ts\n(.*?)```\s+```text\n(.*?)```/gs);
  return Array.from(blocks, ([, code = '', output = '']) => ({ code, output: output.trim() }));
}
