import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { FUNCTION_FILE, type FunctionFile, type KeptFunctionFile, parseFunctionFile } from '../settings.js';
import { bundleInvalid } from './build.js';

/** Its keys have a few hundred bytes. */
const MAX_BYTES = 64 * 1024;

const DEFAULT_ENTRIES = ['index.ts', 'index.js'];

/**
 * What the `function.json` of an unpacked bundle says, and which module is its entry.
 * @throws ReactorError `bundle_invalid` (400)
 */
export async function readFunctionFile(bundle: string): Promise<KeptFunctionFile> {
  const file = await parsed(bundle);
  return { ...file, entry: await findEntry(bundle, file.entry) };
}

async function parsed(bundle: string): Promise<FunctionFile> {
  if (!(await isFile(join(bundle, FUNCTION_FILE)))) return {};
  const file = await open(join(bundle, FUNCTION_FILE), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES) throw bundleInvalid([{ file: FUNCTION_FILE, message: `has more than ${MAX_BYTES} bytes` }]);
    return parseFunctionFile(parseJson(await file.readFile('utf8')));
  } finally {
    await file.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw bundleInvalid([{ file: FUNCTION_FILE, message: `is not JSON: ${(cause as SyntaxError).message}` }], cause);
  }
}

async function findEntry(bundle: string, named: string | undefined): Promise<string> {
  if (named !== undefined) {
    if (await isFile(join(bundle, named))) return named;
    throw bundleInvalid([{ file: FUNCTION_FILE, message: `entry: the bundle has no file ${JSON.stringify(named)}` }]);
  }
  for (const entry of DEFAULT_ENTRIES) {
    if (await isFile(join(bundle, entry))) return entry;
  }
  throw bundleInvalid([
    {
      message: `it has neither ${DEFAULT_ENTRIES.join(' nor ')} at its root, and no ${FUNCTION_FILE} there names another entry; pack what is in the folder of the function, not the folder`,
    },
  ]);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw error;
  }
}
