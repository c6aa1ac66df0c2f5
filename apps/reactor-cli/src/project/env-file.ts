import { CliError } from '../errors.js';

/** An empty line, or a comment. */
const IGNORED = /[ \t]*(?:#[^\n]*|\r)?(?:\n|$)/y;

/** `KEY=`, and its value in quotes, over several lines perhaps, with nothing but a comment behind; or up to the end of the line. */
const ENTRY =
  /[ \t]*(?:export[ \t]+)?([A-Z][A-Z0-9_]{0,127})[ \t]*=[ \t]*(?:(?:"((?:[^"\\]|\\[\s\S])*)"|'([^']*)')[ \t]*(?:#[^\n]*|\r)?|((?!["'])[^\n]*))(?:\n|$)/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/**
 * Reads the `KEY=value` lines of a `.env` file, the last one of a key. `#` begins a comment at the start of a line and after
 * a space, so that it can be a part of a value. Only double quotes know escapes.
 * @returns in the order of the file
 * @throws CliError `INVALID_ARGUMENT` naming file and line of what cannot be read, and never the text: it may be a secret
 */
export function parseEnvFile(file: string, text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const whole = text.replace(/^\uFEFF/, '');
  for (let at = 0; at < whole.length; ) {
    IGNORED.lastIndex = ENTRY.lastIndex = at;
    const blank = IGNORED.exec(whole);
    const entry = blank === null ? ENTRY.exec(whole) : null;
    if (blank === null && entry === null) {
      throw new CliError(
        'INVALID_ARGUMENT',
        `${file}:${whole.slice(0, at).split('\n').length} is not KEY=value`,
        'KEY has up to 128 characters A-Z 0-9 _ and begins with a letter.',
      );
    }
    if (entry !== null) {
      const [, key = '', double, single, plain = ''] = entry;
      found.delete(key);
      found.set(key, double === undefined ? (single ?? withoutComment(plain)) : unescaped(double));
    }
    at += (blank ?? entry)?.[0].length ?? 0;
  }
  return found;
}

function withoutComment(text: string): string {
  const comment = text.search(/(?:^|\s)#/);
  return (comment === -1 ? text : text.slice(0, comment)).trim();
}

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, (_, char: string) => ESCAPES[char] ?? char);
}
