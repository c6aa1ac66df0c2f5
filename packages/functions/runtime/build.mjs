// Runs in Bun: bundles the module of a function into one file. Arguments: the folder of the bundle, the entry in it, and an
// empty folder to write to. What went wrong is written there too, as JSON: the output of a program may hold anything.
import { writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** More errors are not read by anybody. */
const MAX_ERRORS = 20;

const [, , bundle, entry, out] = process.argv;
const entryFile = join(bundle, entry);

/** In the folder of the bundle, as its author knows it. */
function place(position) {
  if (position === null || position === undefined) return {};
  const { file, line, column } = position;
  return { file: relative(bundle, resolve(file)), line, column };
}

const answer = { errors: [] };
try {
  const { success, logs, outputs } = await Bun.build({
    entrypoints: [entryFile],
    target: 'bun',
    format: 'esm',
    sourcemap: 'linked',
    packages: 'bundle',
    // Nothing of the environment of this process becomes part of the module.
    env: 'disable',
    throw: false,
    naming: { entry: '.reactor.[ext]', chunk: '.reactor-[hash].[ext]', asset: '.reactor-[hash].[ext]' },
  });
  if (!success) {
    const errors = logs.filter(({ level }) => level === 'error');
    answer.errors = errors.slice(0, MAX_ERRORS).map(({ message, position }) => ({ ...place(position), message }));
  }
  for (const output of outputs) {
    const name = output.path.replace(/^\.\//, '');
    if (output.kind === 'sourcemap') {
      const map = await output.json();
      // The module will lie beside its entry; here they are relative to the working directory.
      map.sources = map.sources.map((source) => relative(dirname(entryFile), resolve(source)));
      writeFileSync(join(out, name), JSON.stringify(map));
    } else {
      writeFileSync(join(out, name), new Uint8Array(await output.arrayBuffer()));
    }
  }
} catch (error) {
  const errors = error instanceof AggregateError ? error.errors : [error];
  answer.errors = errors
    .slice(0, MAX_ERRORS)
    .map((one) => ({ ...place(one?.position), message: String(one?.message ?? one) }));
}
writeFileSync(join(out, 'answer.json'), JSON.stringify(answer));
