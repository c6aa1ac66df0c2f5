import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Output } from '../../output.js';
import { functionName } from './server.js';

const ACCESS = ['public', 'users', 'operator'];
/** What the server takes without a `function.json`. */
const DEFAULT_ACCESS = 'users';

/**
 * `reactor functions new`: a folder with a handler that works.
 * @param folder absolute
 * @param given as the user wrote it, for the commands that come next
 */
export async function newFunction(
  output: Output,
  folder: string,
  given: string,
  { access = DEFAULT_ACCESS }: { readonly access?: string },
): Promise<number> {
  const name = functionName(basename(folder));
  if (!ACCESS.includes(access)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `there is no access ${JSON.stringify(access)}`,
      `Accepted: ${ACCESS.join(', ')}.`,
    );
  }
  const files: Readonly<Record<string, string>> = {
    'index.ts': handler(name),
    ...(access === DEFAULT_ACCESS ? {} : { 'function.json': `${JSON.stringify({ access }, null, 2)}\n` }),
    '.gitignore': 'node_modules\n.env*\n',
  };
  await write(folder, files);
  const word = /^[\w./-]+$/.test(given) ? given : JSON.stringify(given);
  const next = [
    `reactor functions deploy ${word}`,
    `reactor functions invoke ${name} '/?name=Ada'`,
    `reactor functions dev ${word}`,
  ];
  await output.result(
    { name, folder, files: Object.keys(files), next },
    () =>
      `${Object.keys(files)
        .map((file) => `wrote ${printable(join(folder, file))}\n`)
        .join('')}\nnext:\n${next.map((line) => `  ${printable(line)}\n`).join('')}`,
  );
  return EXIT.ok;
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) {
      throw new CliError('INVALID_ARGUMENT', `${folder} is not empty`, 'Name a new folder.');
    }
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text, { flag: 'wx' });
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw new CliError('INVALID_ARGUMENT', `${folder} is a file`, 'Name a new folder.');
    throw new CliError('IO_ERROR', `${folder} cannot be written: ${code}`);
  }
}

function handler(name: string): string {
  return `// Answers every request at and below /fn/v1/${name}.
export default {
  async fetch(request: Request, env: Record<string, string>): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    // What is printed is in: reactor functions logs ${name}
    console.log(request.method, pathname);
    // Set by: reactor functions env set ${name} GREETING=Moin
    const greeting = env.GREETING ?? 'Hello';
    return Response.json({ message: \`\${greeting}, \${searchParams.get('name') ?? 'world'}!\` });
  },
};
`;
}
