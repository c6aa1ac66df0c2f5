import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '@reactor/testing';

const { resolve } = createRequire(import.meta.url);

const CONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2022', 'DOM'],
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    noEmit: true,
    types: [],
  },
};

/**
 * Compiles `files` as an app that has `@supabase/postgrest-js` would.
 * @returns what the compiler says; '' when it has nothing to complain about
 */
export async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'node_modules', '@supabase'), { recursive: true });
  await symlink(
    dirname(resolve('@supabase/postgrest-js/package.json')),
    join(directory, 'node_modules', '@supabase', 'postgrest-js'),
  );
  const all = { 'package.json': '{"type":"module"}', 'tsconfig.json': JSON.stringify(CONFIG), ...files };
  for (const [name, text] of Object.entries(all)) await writeFile(join(directory, name), text);
  const compiler = join(dirname(resolve('typescript/package.json')), 'bin', 'tsc');
  return new Promise((done, failed) => {
    execFile(process.execPath, [compiler, '-p', directory, '--pretty', 'false'], (error, stdout, stderr) => {
      // 1 and 2: it found something. Anything else is no answer.
      if (error !== null && error.code !== 1 && error.code !== 2) failed(new Error(`${error.message}\n${stderr}`));
      else done(stdout);
    });
  });
}

/** Beginning of a file that looks at types: `equal<A, B>()` compiles when both are the same. */
export const TYPE_TEST = `
import { PostgrestClient } from '@supabase/postgrest-js';
import type { Database, Enums, Json, Tables, TablesInsert, TablesUpdate } from './database.types.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function equal<A, B>(...same: Same<A, B> extends true ? [] : [never]): void;
export type Used = [Json, Enums<never>, Tables<never>, TablesInsert<never>, TablesUpdate<never>];
const client = new PostgrestClient<Database>('http://localhost/data/v1');
`;
