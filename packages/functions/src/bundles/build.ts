import { constants } from 'node:fs';
import { type FileHandle, open, opendir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { functionsErrors } from '../errors.js';
import type { BunRuntime } from '../runtime/bun.js';
import { type Problem, runScript, type ScriptEnd } from './run-script.js';

/** Names of ours in a bundle begin with this. */
export const OWN_NAMES = '.reactor';

/** A bundle in a folder, and what is done with it. */
export interface Buildable {
  /** Absolute; its files are only read. */
  readonly bundle: string;
  readonly entry: string;
  /** Absolute; an empty folder beside it, for what is temporary. */
  readonly scratch: string;
}

/** 28 modules take Bun 8 ms. A handler that does its work at import would do it at each cold start. */
const BUILD_TIMEOUT_MS = 10_000;
const CHECK_TIMEOUT_MS = 10_000;

/** MiB of data, as a backstop. Bun starts with 384, and some 30 000 modules build in less than this. */
const BUILD_MEMORY_MB = 2048;
/**
 * What Bun needs beyond what the function may have: it reserves more than it uses, and ends a hoarder at two thirds of the
 * limit.
 */
const OWN_MEMORY_MB = 512;

/** Of all that a build makes. */
const MAX_BUILT_BYTES = 256 * 1024 * 1024;
const MAX_BUILT_FILES = 1000;

/**
 * The module that `buildModule` makes of `entry`: beside it, so that what the module reads relative to itself is there.
 * @param folder of the bundle
 */
export function builtModule(folder: string, entry: string): string {
  return join(folder, dirname(entry), `${OWN_NAMES}.js`);
}

/**
 * Bundles the module of a function with all that it imports, without network and without installing anything.
 * @throws ReactorError `bundle_invalid` (400) with the places in `details`
 */
export async function buildModule(bun: BunRuntime, build: Buildable, signal: AbortSignal): Promise<void> {
  const bundle = await realpath(build.bundle);
  const out = join(build.scratch, 'built');
  const end = await runScript(
    bun,
    {
      script: 'build.mjs',
      args: [bundle, build.entry],
      cwd: '/',
      out,
      timeoutMs: BUILD_TIMEOUT_MS,
      memoryMb: BUILD_MEMORY_MB,
    },
    signal,
  );
  refuse(bundle, 'building it', end, BUILD_TIMEOUT_MS);
  await takeOver(bun, out, dirname(join(bundle, build.entry)));
}

/**
 * Imports the built module once, in a process of its own.
 * @param memoryMb what a process of the function may have
 * @throws ReactorError `bundle_invalid` (400) when it throws, does not end, or has no handler
 */
export async function checkModule(
  bun: BunRuntime,
  build: Buildable,
  memoryMb: number,
  signal: AbortSignal,
): Promise<void> {
  const bundle = await realpath(build.bundle);
  const module = builtModule(bundle, build.entry);
  const end = await runScript(
    bun,
    {
      script: 'check.mjs',
      args: [bundle, module],
      cwd: dirname(module),
      out: join(build.scratch, 'checked'),
      timeoutMs: CHECK_TIMEOUT_MS,
      memoryMb: memoryMb + OWN_MEMORY_MB,
    },
    signal,
  );
  const { exports } = refuse(bundle, 'importing it', end, CHECK_TIMEOUT_MS);
  if (exports === undefined) return;
  const found = exports.length === 0 ? 'nothing' : exports.join(', ');
  throw bundleInvalid([
    {
      file: build.entry,
      message: `the module exports no handler but ${found}; accepted are "export default { fetch }", "export default function" and "export function handler"`,
    },
  ]);
}

/** @throws ReactorError `bundle_invalid` (400) unless it has answered that all is well */
function refuse(bundle: string, work: string, end: ScriptEnd, timeoutMs: number) {
  if (end.how === 'timed out') {
    throw bundleInvalid([{ message: `${work} took longer than ${timeoutMs / 1000} s and was ended` }]);
  }
  if (end.how === 'ended') {
    const words = end.lastWords === '' ? '' : `: ${end.lastWords}`;
    throw bundleInvalid([{ message: within(bundle, `${work} ended the process with ${end.exit}${words}`) }]);
  }
  const { errors } = end.answer;
  if (errors.length > 0)
    throw bundleInvalid(errors.map((error) => ({ ...error, message: within(bundle, error.message) })));
  return end.answer;
}

const MAX_MESSAGE_LENGTH = 2000;

/** Without what only says where on this machine the bundle lay. */
function within(bundle: string, message: string): string {
  return message.replaceAll(`${bundle}/`, '').replaceAll(bundle, '.').slice(0, MAX_MESSAGE_LENGTH);
}

/** The first problem is the message, all of them are the details. */
export function bundleInvalid(problems: readonly Problem[], cause?: unknown) {
  const [first = { message: 'it cannot be deployed' }] = problems;
  const place = [first.file, first.line, first.column].filter((part) => part !== undefined).join(':');
  const message = place === '' ? first.message : `${place}: ${first.message}`;
  return functionsErrors.create.bundle_invalid(`The bundle is refused: ${message}`, { details: problems, cause });
}

/**
 * Copies what was built beside the entry. It was written by an account that we do not trust with our rights: nothing but its own
 * regular files is read.
 */
async function takeOver({ account }: BunRuntime, out: string, folder: string): Promise<void> {
  const uid = account?.uid ?? process.getuid?.();
  let files = 0;
  let bytes = 0;
  for await (const { name } of await opendir(out)) {
    if (!name.startsWith(OWN_NAMES)) continue;
    const source = await openBuilt(join(out, name), uid);
    try {
      const info = await source.stat();
      files += 1;
      bytes += info.size;
      if (bytes > MAX_BUILT_BYTES || files > MAX_BUILT_FILES) {
        throw bundleInvalid([
          { message: `building it made more than ${MAX_BUILT_FILES} files or ${MAX_BUILT_BYTES} bytes` },
        ]);
      }
      const target = await openNew(folder, basename(name));
      await target.chmod(0o644);
      // What left the process group of the build may still be writing to it.
      const bounded = source.createReadStream({ autoClose: false, end: info.size });
      await pipeline(bounded, target.createWriteStream());
    } finally {
      await source.close();
    }
  }
  await rm(out, { recursive: true, force: true });
}

async function openNew(folder: string, name: string): Promise<FileHandle> {
  try {
    return await open(join(folder, name), 'wx', 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw bundleInvalid([
      { message: `it holds a file ${name}; names that begin with ${OWN_NAMES} are for what is built` },
    ]);
  }
}

/**
 * Opens a file that a build made.
 * @throws ReactorError `bundle_invalid` (400) for what only code of the bundle puts there: a link, a folder, another's file
 */
async function openBuilt(path: string, uid: number | undefined): Promise<FileHandle> {
  const notBuilt = () =>
    bundleInvalid([{ message: `building it made ${basename(path)}, which is no file of its own` }]);
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    // Of a link, and of a socket.
    throw ['ELOOP', 'ENXIO', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '') ? notBuilt() : error;
  }
  const info = await file.stat();
  if (info.isFile() && (uid === undefined || info.uid === uid)) return file;
  await file.close();
  throw notBuilt();
}
