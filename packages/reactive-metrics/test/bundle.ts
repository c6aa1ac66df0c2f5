import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { onTestFinished } from 'vitest';

/** The folder of this package. */
export const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** A new folder from which this package's dependencies resolve; gone after the test. */
export function scratchFolder(): string {
  const parent = join(PACKAGE, 'node_modules', '.scratch');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'run-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Bundles a program whose imports of this package mean its sources. @returns the code */
export async function bundle(program: string, options: BuildOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: join(PACKAGE, 'test'), loader: 'ts' },
    alias: Object.fromEntries(
      ['/prometheus', '/opentelemetry', '/testing', ''].map((entry) => [
        `@reactor/reactive-metrics${entry}`,
        join(PACKAGE, 'src', `${entry === '' ? 'index' : entry.slice(1)}.ts`),
      ]),
    ),
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'error',
    ...options,
  });
  return outputFiles?.[0]?.text ?? '';
}
