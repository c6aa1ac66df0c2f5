// Runs in Bun: imports the built module of a function once, and finds out whether it has a handler. Arguments: the folder of
// the bundle, the module, and a folder to write the answer to, as JSON.
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [, , bundle, module, out] = process.argv;
// The module may replace them.
const { exit } = process;
const write = writeFileSync;
const file = join(out, 'answer.json');

/** Where it was thrown: the innermost place in the bundle. */
function placeOf(error) {
  const frames = typeof error?.stack === 'string' ? error.stack.split('\n') : [];
  for (const frame of frames.slice(0, 50)) {
    const [, path, line, column] = /\(?(\/[^()]*):(\d+):(\d+)\)?$/.exec(frame) ?? [];
    if (path?.startsWith(`${bundle}/`)) {
      return { file: relative(bundle, path), line: Number(line), column: Number(column) };
    }
  }
  return {};
}

function textOf(error) {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'something that cannot be shown';
  }
}

/** A class is a function that cannot be called. */
function isCallable(one) {
  return typeof one === 'function' && !/^class\b/.test(Function.prototype.toString.call(one));
}

function end(answer) {
  write(file, JSON.stringify(answer));
  exit.call(process, 0);
}

function threw(error) {
  end({ errors: [{ ...placeOf(error), message: `importing the module threw ${textOf(error)}` }] });
}

process.on('uncaughtException', threw);
process.on('unhandledRejection', threw);
try {
  const exports = await import(module);
  // What it rejects at once is told in a later turn of the loop.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const { default: main, handler } = exports;
  const found = [main?.fetch, main, handler].some(isCallable);
  end(found ? { errors: [] } : { errors: [], exports: Object.keys(exports).slice(0, 20) });
} catch (error) {
  threw(error);
}
