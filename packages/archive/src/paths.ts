import type { ArchiveLimits } from './entry.js';
import { archiveErrors } from './errors.js';

/** What every common file system takes as one name. */
const MAX_SEGMENT_BYTES = 255;

/** A name in a message is cut here. */
const MAX_SHOWN = 200;

/** Lone surrogates, and what decoders put in place of bytes that are not UTF-8. */
const NOT_UTF8 = /[\p{Surrogate}\uFFFD]/u;

/** Quoted, with control characters escaped. */
export function shown(path: string): string {
  return JSON.stringify(path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path);
}

/**
 * Why a path could mean something else than one file below the root, or something else on another machine; undefined for
 * one that is accepted.
 */
function fault(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (/\p{Cc}/u.test(path)) return 'has a control character';
  if (NOT_UTF8.test(path)) return 'is not UTF-8';
  // One name in two spellings would be two files here and one on a Mac.
  if (path !== path.normalize('NFC')) return 'is not in Unicode normalization form C (NFC)';
  if (path.includes('\\')) return 'has a backslash';
  if (path.startsWith('/')) return 'is absolute';
  if (/^[A-Za-z]:/.test(path)) return 'begins with a drive letter';
  const segments = path.split('/');
  if (segments.includes('')) return 'has an empty segment';
  if (segments.includes('..')) return 'has a segment ".."';
  if (segments.includes('.')) return 'has a segment "."';
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)) {
    return `has a segment of more than ${MAX_SEGMENT_BYTES} bytes`;
  }
  return undefined;
}

/** @throws ReactorError `archive_too_large` */
export function checkPathLimits(path: string, { maxPathBytes, maxPathDepth }: ArchiveLimits): void {
  const tooLarge = (what: string) =>
    archiveErrors.create.archive_too_large(`the path of the entry ${shown(path)} has more than ${what}`);
  if (Buffer.byteLength(path) > maxPathBytes) throw tooLarge(`${maxPathBytes} bytes`);
  if (path.split('/').length > maxPathDepth) throw tooLarge(`${maxPathDepth} segments`);
}

/** The paths of one archive, each of which is accepted once. */
export class Paths {
  /** By their folded spelling. An implied folder is one that only the path of another entry names. */
  readonly #seen = new Map<string, { readonly path: string; readonly kind: 'file' | 'folder' | 'implied' }>();

  /**
   * Two paths that differ by case only are one: a bundle must mean the same on a file system that ignores case, where
   * the second file would replace the first.
   * @throws ReactorError `archive_invalid`
   */
  add(path: string, kind: 'file' | 'folder'): void {
    const invalid = (why: string) => archiveErrors.create.archive_invalid(`the entry ${shown(path)} ${why}`);
    const wrong = fault(path);
    if (wrong !== undefined) {
      throw invalid(
        `has a path that is not accepted: it ${wrong}. Accepted are relative paths such as "assets/app.js"`,
      );
    }
    const folded = fold(path);
    for (let end = folded.indexOf('/'); end !== -1; end = folded.indexOf('/', end + 1)) {
      const folder = folded.slice(0, end);
      const above = this.#seen.get(folder);
      if (above?.kind === 'file') throw invalid(`lies below ${shown(above.path)}, which is a file`);
      if (above === undefined) this.#seen.set(folder, { path: folder, kind: 'implied' });
    }
    const same = this.#seen.get(folded);
    if (same?.kind === 'implied' && kind === 'file') throw invalid('is a file, and other entries lie below it');
    if (same !== undefined && same.kind !== 'implied') {
      const spelling = same.path === path ? '' : ` as ${shown(same.path)}: paths must differ by more than case`;
      throw invalid(`is there twice${spelling}`);
    }
    this.#seen.set(folded, { path, kind });
  }
}

/** Upper case first: it makes one of letters that have two lower cases, such as ς and σ. */
function fold(path: string): string {
  return path.toUpperCase().toLowerCase();
}
