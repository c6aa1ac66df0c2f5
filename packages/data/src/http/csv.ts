import { dataError } from '../errors.js';

/**
 * Reads CSV (RFC 4180) whose first line names the columns. An unquoted `NULL` is null, all else is text, which
 * PostgreSQL reads as the type of its column.
 * @returns the rows as the text of a JSON array of objects
 * @throws DataError `invalid_body` (400, PGRST102) naming the line
 */
export function csvToJson(text: string): string {
  const [header, ...records] = readRecords(text.startsWith('\uFEFF') ? text.slice(1) : text);
  if (header === undefined) throw invalidCsv(1, 'a first line with the names of the columns is missing');
  const names = header.fields.map(({ text: name }) => JSON.stringify(name));
  if (new Set(names).size < names.length) throw invalidCsv(1, 'it names a column twice');
  const rows = records.map(({ line, fields }) => {
    if (fields.length !== names.length) {
      throw invalidCsv(line, `it has ${fields.length} values, but there are ${names.length} columns`);
    }
    const members = fields.map(({ text: value, quoted }, i) => {
      return `${names[i]}:${value === 'NULL' && !quoted ? 'null' : JSON.stringify(value)}`;
    });
    return `{${members.join(',')}}`;
  });
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

/** Field by field: quoted, or up to the next comma or line end. Each match begins where the last one ended. */
const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y;

function readRecords(text: string): readonly CsvRecord[] {
  const records: CsvRecord[] = [];
  let fields: CsvField[] = [];
  let line = 1;
  let begin = 1;
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length || fields.length > 0) {
    const match = FIELD.exec(text);
    if (match === null) throw invalidCsv(line, 'it has a quote where none may be');
    const [all, quoted, plain = '', end] = match;
    fields.push({ text: quoted?.replaceAll('""', '"') ?? plain, quoted: quoted !== undefined });
    line += all.split('\n').length - 1;
    if (end === ',') continue;
    // An empty line is no record.
    if (fields.length > 1 || fields[0]?.text !== '' || fields[0].quoted) records.push({ line: begin, fields });
    fields = [];
    begin = line;
    if (end === '') break;
  }
  return records;
}

function invalidCsv(line: number, problem: string) {
  return dataError('invalid_body', `The body is not valid CSV: line ${line}: ${problem}.`, { code: 'PGRST102' });
}
