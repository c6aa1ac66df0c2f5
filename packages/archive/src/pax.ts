/** The one character set that may be named; it is UTF-8. */
const CHARSET = 'ISO-IR 10646 2000 UTF-8';

/**
 * Reads the records of a pax header, `<length> <key>=<value>\n`, as strictly as they are specified (POSIX pax, "pax Extended
 * Header"). Values that are not UTF-8, such as extended attributes, come with replacement characters.
 * @throws Error saying what is wrong
 */
export function parsePax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const digits = /^[1-9]\d{0,8} /.exec(bytes.toString('latin1', at, at + 10))?.[0] ?? '';
    const end = at + Number(digits);
    const equals = bytes.indexOf('=', at);
    if (digits === '' || end > bytes.length || equals < at + digits.length + 1 || equals >= end - 1) {
      throw new Error('a record is malformed');
    }
    if (bytes[end - 1] !== 0x0a) throw new Error('a record has no end');
    const key = bytes.toString('utf8', at + digits.length, equals);
    if (records.has(key)) throw new Error(`${key} is there twice`);
    records.set(key, bytes.toString('utf8', equals + 1, end - 1));
    at = end;
  }
  return records;
}

/**
 * Says which of them would change the bytes or the name of a file; undefined when none does.
 * @param isGlobal of a header for all entries, which may hold a comment only: readers differ in what they do with others
 */
export function paxFault(records: ReadonlyMap<string, string>, isGlobal: boolean): string | undefined {
  for (const [key, value] of records) {
    if (isGlobal && key !== 'comment') return `it sets ${key} for all entries`;
    if (key.startsWith('GNU.sparse.')) return 'it describes a sparse file';
    if (key === 'hdrcharset' && value !== CHARSET) return `its character set is ${value}`;
    if (key === 'path' && value === '') return 'its path is empty';
    if (key === 'size' && !/^(?:0|[1-9]\d{0,15})$/.test(value)) return 'its size is not a number';
  }
  return undefined;
}
