import { dataError } from '../errors.js';
import { MAX_ROWS } from '../query/index.js';

/**
 * Reads CSV (RFC 4180) whose first line names the columns. An unquoted `NULL` is null, all else is text, which
 * PostgreSQL reads as the type of its column.
 * @returns the rows as the text of a JSON array of objects
 * @throws DataError `invalid_body` (400, PGRST102) naming the line
 */
export function csvToJson(text: string): string {
  const reader = new CsvReader(text.startsWith('\uFEFF') ? text.slice(1) : text);
  const header = reader.next();
  if (header === undefined) throw invalidCsv(1, 'a first line with the names of the columns is missing');
  const names = header.fields.map(({ text: name }) => JSON.stringify(name));
  if (new Set(names).size < names.length) throw invalidCsv(1, 'it names a column twice');
  const rows: string[] = [];
  for (let record = reader.next(); record !== undefined; record = reader.next()) {
    const { line, fields } = record;
    if (fields.length !== names.length) {
      throw invalidCsv(line, `it has ${fields.length} values, but there are ${names.length} columns`);
    }
    const members = fields.map(({ text: value, quoted }, i) => {
      return `${names[i]}:${value === 'NULL' && !quoted ? 'null' : JSON.stringify(value)}`;
    });
    if (rows.length === MAX_ROWS) throw invalidCsv(line, `at most ${MAX_ROWS} rows are accepted`);
    rows.push(`{${members.join(',')}}`);
  }
  return `[${rows.join(',')}]`;
}

interface CsvField {
  readonly text: string;
  readonly quoted: boolean;
}

interface CsvRecord {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly fields: readonly CsvField[];
}

/** What a field without quotes may hold, and what ends a field. */
const PLAIN = /[^",\r\n]*/y;
const END = /,|\r\n|\n|\r|$/y;

/** No table of PostgreSQL has more columns. */
const MAX_FIELDS = 1600;

/** Record by record, so that no more than one is held in pieces. */
class CsvReader {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined at the end. An empty line is not a record. */
  next(): CsvRecord | undefined {
    while (this.#at < this.#text.length) {
      const line = this.#line;
      const fields: CsvField[] = [];
      let end: string;
      do {
        if (fields.length === MAX_FIELDS) throw invalidCsv(line, `it has more than ${MAX_FIELDS} values`);
        fields.push(this.#field());
        end = this.#match(END) ?? this.#fail();
      } while (end === ',');
      if (end !== '') this.#line += 1;
      if (fields.length > 1 || fields[0]?.text !== '' || fields[0].quoted) return { line, fields };
    }
    return undefined;
  }

  #field(): CsvField {
    if (this.#text[this.#at] !== '"') return { text: this.#match(PLAIN) ?? '', quoted: false };
    const begin = this.#at + 1;
    const end = closingQuote(this.#text, begin) ?? this.#fail();
    const text = this.#text.slice(begin, end);
    this.#at = end + 1;
    this.#line += text.split('\n').length - 1;
    return { text: text.replaceAll('""', '"'), quoted: true };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #fail(): never {
    throw invalidCsv(this.#line, 'it has a quote where none is allowed');
  }
}

/** By hand: an expression that steps over pairs of quotes needs a stack as deep as the field is long. */
function closingQuote(text: string, from: number): number | undefined {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text[at + 1] !== '"') return at;
  }
  return undefined;
}

function invalidCsv(line: number, problem: string) {
  return dataError('invalid_body', `The body is not valid CSV: line ${line}: ${problem}.`, { code: 'PGRST102' });
}
