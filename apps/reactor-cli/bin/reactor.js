#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  import(main.href);
} else {
  process.stderr.write('reactor is not built yet; "npx pnpm@10 build" does that, and "npx pnpm@10 start" as well\n');
  process.exitCode = 2;
}
