import type { Field, JsonStep } from './ast.js';
import type { Scanner } from './scanner.js';

/** A dash belongs to a name unless it begins an arrow. The two alternatives share no character, so this is linear. */
const UNQUOTED_NAME = /(?:[\p{L}\p{M}\p{N}_$ ]|-(?!>))+/uy;
const INTEGER = /^-?\d+$/;
const MAX_INDEX = 2_147_483_647;

/** Reserved words are reserved only where they are not quoted. */
export interface Name {
  readonly text: string;
  readonly quoted: boolean;
}

/** A name as it stands, without the spaces around it, or any text between double quotes. */
export function parseName(scanner: Scanner, expected = 'a name'): Name {
  scanner.match(/ +(?=")/y);
  const start = scanner.position;
  if (scanner.accept('"')) {
    const text = scanner.quotedText();
    if (text === '') scanner.fail(expected, start);
    scanner.match(/ +/y);
    return { text, quoted: true };
  }
  const text = scanner.match(UNQUOTED_NAME)?.trim() ?? '';
  if (text === '') scanner.fail(expected, start);
  return { text, quoted: false };
}

/** `a,"b c"`: the value of `columns` and `on_conflict`. */
export function parseNames(scanner: Scanner): string[] {
  const names: string[] = [];
  do names.push(parseName(scanner, 'a column').text);
  while (scanner.accept(','));
  scanner.expectEnd();
  return names;
}

/** `column->0->>key` */
export function parseField(scanner: Scanner): Field {
  return { column: parseName(scanner, 'a column').text, path: parsePath(scanner) };
}

/** `->0->>key`, or nothing. */
export function parsePath(scanner: Scanner): JsonStep[] {
  const path: JsonStep[] = [];
  while (scanner.accept('->')) {
    const as = scanner.accept('>') ? 'text' : 'json';
    const start = scanner.position;
    const name = parseName(scanner, 'a JSON key or index');
    const isIndex = !name.quoted && INTEGER.test(name.text);
    if (isIndex && Math.abs(Number(name.text)) > MAX_INDEX) scanner.fail(`an index of at most ${MAX_INDEX}`, start);
    path.push({ as, key: isIndex ? Number(name.text) : name.text });
  }
  return path;
}
