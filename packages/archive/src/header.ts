import { padding } from './framing.js';

/** The largest size that eleven octal digits hold. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

/** Of the name field. */
const MAX_NAME_BYTES = 100;

/**
 * The blocks before the content of a file: a ustar header (POSIX.1-1988), and a pax header before it where the path or the
 * size does not fit. Nothing in it tells when or by whom it was made, so that the same files make the same bytes.
 */
export function fileHeader(path: string, size: number): Buffer {
  const fits = /^[\x20-\x7e]*$/.test(path) && path.length <= MAX_NAME_BYTES;
  const records = [
    ...(fits ? [] : [record('path', path)]),
    ...(size <= MAX_OCTAL_SIZE ? [] : [record('size', String(size))]),
  ];
  // Readers that know pax take path and size from there; this name is for the others.
  const name = fits ? path : 'long-path';
  const file = ustar(name, '0', Math.min(size, MAX_OCTAL_SIZE));
  if (records.length === 0) return file;
  const content = Buffer.from(records.join(''));
  return Buffer.concat([ustar('PaxHeader', 'x', content.length), content, Buffer.alloc(padding(content.length)), file]);
}

function ustar(name: string, type: '0' | 'x', size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  length = bytes + String(length).length;
  return `${length}${rest}`;
}
