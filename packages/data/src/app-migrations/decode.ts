import { countLines } from './split.js';

/** The text of a file, and what is wrong with its bytes. */
export interface Decoded {
  readonly sql: string;
  /** Names the place. */
  readonly fault?: string;
}

const SAVE_IT = 'save the file as UTF-8';

/** Reads UTF-8. A byte order mark is dropped, and is not part of the checksum. */
export function decodeSql(bytes: Uint8Array): Decoded {
  const sql = new TextDecoder().decode(bytes);
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { sql, fault: `1: the file is UTF-16; ${SAVE_IT}` };
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) return { sql, fault: `${lineAt(bytes, nul)}: byte ${nul} is NUL; if the file is UTF-16, ${SAVE_IT}` };
  const at = firstInvalid(bytes, sql);
  if (at === undefined) return { sql };
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  return { sql, fault: `${lineAt(bytes, at)}: byte ${at} (0x${byte}) is not UTF-8; ${SAVE_IT}` };
}

/** Where the decoder had to put U+FFFD for something else. */
function firstInvalid(bytes: Uint8Array, decoded: string): number | undefined {
  let offset = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let from = 0;
  for (let at = decoded.indexOf('\uFFFD'); at >= 0; at = decoded.indexOf('\uFFFD', from)) {
    offset += Buffer.byteLength(decoded.slice(from, at));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset;
    offset += 3;
    from = at + 1;
  }
  return undefined;
}

function lineAt(bytes: Uint8Array, offset: number): number {
  const before = new TextDecoder('latin1').decode(bytes.subarray(0, offset));
  return 1 + countLines(before, 0, before.length);
}
