import { deflateRawSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { read, readText, refusal } from './support/read.js';
import { block, END, GNU_MAGIC, pax, type RawEntry, tar, tarGz } from './support/tar.js';

const a: RawEntry = { name: 'a', content: 'A' };
const b: RawEntry = { name: 'b', content: 'B' };
const decomposed = 'u\u0308.txt';

describe('paths', () => {
  test.each<[string | Buffer, string]>([
    ['/etc/passwd', 'is absolute'],
    ['//etc/passwd', 'is absolute'],
    ['../a', 'has a segment ".."'],
    ['a/../../b', 'has a segment ".."'],
    ['a/..', 'has a segment ".."'],
    ['./../a', 'has a segment ".."'],
    ['..', 'has a segment ".."'],
    ['.', 'has a segment "."'],
    ['a/./b', 'has a segment "."'],
    ['././a', 'has a segment "."'],
    ['a//b', 'has an empty segment'],
    ['.//a', 'is absolute'],
    ['a/', 'has an empty segment'],
    ['', 'is empty'],
    ['./', 'is empty'],
    ['a\\b', 'has a backslash'],
    ['..\\a', 'has a backslash'],
    ['C:a', 'begins with a drive letter'],
    ['c:/a', 'begins with a drive letter'],
    ['a\nb', 'has a control character'],
    ['a\x7fb', 'has a control character'],
    ['a\u0085b', 'has a control character'],
    [Buffer.from([0x61, 0xff, 0x62]), 'is not UTF-8'],
    [Buffer.from('ü.txt', 'latin1'), 'is not UTF-8'],
    [Buffer.from([0x61, 0xed, 0xa0, 0x80]), 'is not UTF-8'],
    [Buffer.from([0xc0, 0xaf]), 'is not UTF-8'],
    [decomposed, 'is not in Unicode normalization form C'],
  ])('%j', async (name, why) => {
    const said = await refusal(tarGz(a, { name, content: 'x' }));
    expect(said).toMatch(/^archive_invalid: the entry "/);
    expect(said).toContain(why);
    expect(said).toContain('Accepted are relative paths');
  });

  test.each([
    ['a folder', { name: '../a/', type: '5' }],
    ['a pax header', [pax({ path: '../a' }), { name: 'harmless' }]],
    [
      'a GNU long name',
      [
        { name: '././@LongLink', type: 'L', content: '../a\0', magic: GNU_MAGIC },
        { name: 'harmless', magic: GNU_MAGIC },
      ],
    ],
    ['a ustar prefix', { name: 'a', prefix: '..' }],
    ['a global pax header', [pax({ path: '../a' }, 'g'), { name: 'harmless' }]],
    ['a NUL in a pax header', [pax({ path: 'a\0../b' }), { name: 'harmless' }]],
  ] as [string, RawEntry | RawEntry[]][])('by %s', async (_, entries) => {
    expect(await refusal(tarGz(...[entries].flat()))).toMatch(
      /^archive_invalid: .*(?:"\.\.\/a"|has a segment "\.\."|for all entries|control character)/,
    );
  });

  test.each<[string, RawEntry[]]>([
    ['in the name', [{ name: 'a\0/../b' }]],
    ['in the prefix', [{ name: 'a', prefix: 'x\0y' }]],
    ['in a long name', [{ name: 'L', type: 'L', content: 'a\0b\0' }, a]],
    ['before a long name', [{ name: 'L', type: 'L', content: '\0a' }, a]],
  ])('text behind a NUL: %s', async (_, entries) => {
    expect(await refusal(tarGz(...entries))).toMatch(
      /^archive_invalid: the archive has a (?:long )?name with a NUL in it/,
    );
  });

  test('a segment that no file system can hold', async () => {
    expect(await refusal(tarGz(pax({ path: 'ü'.repeat(128) }), a))).toContain('a segment of more than 255 bytes');
    expect(Object.keys(await read(tarGz(pax({ path: `${'ü'.repeat(127)}x` }), a)))).toEqual([`${'ü'.repeat(127)}x`]);
  });

  test('a name of any length is shown cut, and nothing of it can break a line', async () => {
    const said = await refusal(tarGz(pax({ path: `/${'x'.repeat(260)}\n` }), a), { limits: { maxPathBytes: 1_000 } });
    expect(said).toMatch(/^archive_invalid: the entry "\/x{199}…" has/);
    expect(await refusal(tarGz({ name: '/a\nb' }))).toContain('"/a\\nb"');
  });
});

describe('one path twice', () => {
  const folder = (name: string): RawEntry => ({ name, type: '5' });
  const file = (name: string): RawEntry => ({ name, content: 'x' });

  test.each<[string, RawEntry[], string]>([
    ['as it is', [file('a'), file('a')], '"a" is there twice'],
    ['with ./ before one', [file('a'), file('./a')], '"a" is there twice'],
    [
      'in another case',
      [file('img/Logo.png'), file('IMG/logo.PNG')],
      '"IMG/logo.PNG" is there twice as "img/Logo.png"',
    ],
    ['in another case beyond ASCII', [file('É'), file('é')], 'is there twice as'],
    ['with the final sigma', [file('σ'), file('ς')], 'is there twice as'],
    ['by a pax header', [file('a'), pax({ path: 'a' }), file('b')], '"a" is there twice'],
    ['a folder', [folder('a/'), folder('a/')], '"a" is there twice'],
    ['a folder, then a file', [folder('a/'), file('a')], '"a" is there twice'],
    ['a file, then a folder', [file('a'), folder('a/')], '"a" is there twice'],
    ['a file, then one below it', [file('a'), file('a/b')], '"a/b" lies below "a", which is a file'],
    ['a file, then one far below it in another case', [file('a'), file('A/b/c')], '"A/b/c" lies below "a"'],
    ['one below it, then the file', [file('a/b'), file('a')], '"a" is a file, and other entries lie below it'],
    ['one far below it, then the file', [file('a/b/c'), file('a/B')], '"a/B" is a file, and other entries'],
  ])('%s', async (_, entries, why) => {
    const said = await refusal(tarGz(...entries));
    expect(said).toMatch(/^archive_invalid: the entry /);
    expect(said).toContain(why);
  });
});

describe('what is neither file nor folder', () => {
  test.each([
    ['1', 'is a hard link'],
    ['2', 'is a symbolic link'],
    ['3', 'is a device'],
    ['4', 'is a device'],
    ['6', 'is a fifo'],
    ['7', 'is of an unknown type'],
    ['S', 'is of an unknown type'],
    ['V', 'is of an unknown type'],
    ['D', 'is of an unknown type'],
    ['M', 'is of an unknown type'],
    ['X', 'is of an unknown type'],
    ['A', 'is of an unknown type'],
    ['\xff', 'is of an unknown type'],
  ])('type %j', async (type, why) => {
    const patch = (header: Buffer) => void header.writeUInt8(type.charCodeAt(0), 156);
    const said = await refusal(tarGz(a, { name: 'it', link: '/etc/passwd', patch }, b));
    expect(said).toBe(`archive_invalid: the entry "it" ${why}; accepted are files and folders only`);
  });

  test('a link with a long target', async () => {
    const long = { name: 'L', type: 'K', content: `${'x'.repeat(150)}\0`, magic: GNU_MAGIC };
    expect(await refusal(tarGz(long, { name: 'it', type: '2', magic: GNU_MAGIC }))).toContain(
      '"it" is a symbolic link',
    );
    expect(await refusal(tarGz(pax({ linkpath: 'x'.repeat(150) }), { name: 'it', type: '1' }))).toContain(
      '"it" is a hard link',
    );
  });
});

describe('a tar that is not whole', () => {
  const whole = tar(a, b);

  test.each([
    ['empty', Buffer.alloc(0)],
    ['one zero block only', Buffer.alloc(512)],
    ['cut before its end blocks', Buffer.concat([block(a), block(b)])],
    ['cut between its end blocks', whole.subarray(0, -512)],
    ['cut in an end block', whole.subarray(0, -1)],
    ['cut in a header', whole.subarray(0, 1_100)],
    ['cut in a body', whole.subarray(0, 512 + 1)],
    ['cut in the padding', whole.subarray(0, 512 + 100)],
    ['with a last file of zeros in place of end blocks', block({ name: 'zeros', content: Buffer.alloc(4_096) })],
    ['with part of a block after its end', Buffer.concat([whole, Buffer.alloc(100)])],
  ])('%s', async (_, bytes) => {
    expect(await refusal(gzipSync(bytes))).toMatch(
      /^archive_invalid: the archive is cut: it ends before the two zero blocks/,
    );
  });

  test.each([
    ['entries after one zero block', Buffer.concat([block(a), Buffer.alloc(512), block(b), END])],
    ['entries after the end', Buffer.concat([whole, block({ name: 'c' }), END])],
    ['bytes after the end', Buffer.concat([whole, Buffer.alloc(512, 1)])],
  ])('%s', async (_, bytes) => {
    expect(await refusal(gzipSync(bytes))).toMatch(
      /^archive_invalid: the archive has data after the end of the tar, near byte \d+/,
    );
  });

  test('the padding that tar adds is none of it', async () => {
    expect(await readText(gzipSync(Buffer.concat([whole, Buffer.alloc(20 * 512)])))).toEqual({ a: 'A', b: 'B' });
  });
});

describe('a tar that is damaged', () => {
  const meta = (type: string, content = 'x\0') => ({ name: 'm', type, content, magic: GNU_MAGIC });

  test.each<[string, Buffer, string]>([
    ['text', Buffer.alloc(2_048, 'text '), 'size is not a number'],
    ['a checksum', flip(tar(a, b), 0), 'the archive is damaged'],
    ['another format', tar({ ...a, magic: '' }), 'the archive is damaged'],
    ['no size', tar({ ...a, size: ' '.repeat(12) }), 'size is not a number'],
    ['a size in words', tar({ ...a, size: '12bytes\0' }), 'size is not a number'],
    ['a size with more after it', tar({ ...a, size: '1\0' + '2222222222' }), 'size is not a number'],
    ['a negative size', tar({ ...a, size: Buffer.alloc(12, 0xff) }), 'size is not a number'],
    [
      'a size beyond all numbers',
      tar({ ...a, size: Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]) }),
      'size is not a number',
    ],
    ['a folder with content', tar({ name: 'd/', type: '5', content: 'x' }), 'a folder with content'],
    ['a long name without its entry', tar(a, meta('L')), 'a long name without its entry'],
    ['a pax header without its entry', tar(a, pax({ path: 'c' })), 'a pax header without its entry'],
    ['a long link before a file', tar(meta('K'), a), 'a link target before an entry that is not a link'],
    ['a linkpath before a folder', tar(pax({ linkpath: 'x' }), { name: 'd/', type: '5' }), 'a link target'],
    ['two long names', tar(meta('L'), meta('L'), a), 'a long name after another'],
    ['two pax headers', tar(pax({ path: 'c' }), pax({ path: 'd' }), a), 'a pax header after another'],
    ['a long name and the path of a pax header', tar(meta('L'), pax({ path: 'c' }), a), 'two names for one entry'],
    ['the path of a pax header and a long name', tar(pax({ path: 'c' }), meta('L'), a), 'two names for one entry'],
    ['a long name of old GNU and a path', tar(meta('N'), pax({ path: 'c' }), a), 'two names for one entry'],
    ['an empty long name', tar(meta('L', ''), a), 'a long name without content'],
    ['a long name of NUL', tar(meta('L', '\0'), a), 'a long name without content'],
  ])('%s', async (_, bytes, why) => {
    const said = await refusal(gzipSync(bytes));
    expect(said).toMatch(/^archive_invalid: the archive /);
    expect(said).toContain(why);
  });

  test.each([
    ['no length', 'path=c\n'],
    ['a length of zero', '0 path=c\n'],
    ['a negative length', '-9 path=c\n'],
    ['a length that is too long', '99 path=c\n'],
    ['a length that is too short', '8 path=c\n'],
    ['no equals sign', '9 path c\n\n'],
    ['no key', '6 =ab\n'],
    ['no end', '9 path=cd'],
    ['more behind it', '9 path=c\nxyz'],
    ['a path twice', '9 path=c\n9 path=d\n'],
    ['an empty path', '8 path=\n'],
    ['a size that is no number', '10 size=x\n'],
    ['a negative size', '11 size=-1\n'],
    ['a sparse file', '22 GNU.sparse.major=1\n'],
    ['another character set', '21 hdrcharset=BINARY\n'],
  ])('a pax header with %s', async (_, content) => {
    expect(await refusal(tarGz(pax(content), a))).toMatch(
      /^archive_invalid: the archive has a (?:damaged pax header|pax header that is not accepted): /,
    );
  });

  test('a size for all entries', async () => {
    expect(await refusal(tarGz(pax({ size: '0' }, 'g'), a))).toContain('it sets size for all entries');
  });
});

describe('gzip', () => {
  const whole = tarGz(a, b);
  const withFlags = (flags: number, extra: Buffer) => {
    const header = Buffer.from(whole.subarray(0, 10));
    header[3] = flags;
    return Buffer.concat([header, extra, whole.subarray(10)]);
  };

  test.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'not gzip'],
    ['a tar without gzip', tar(a), 'not gzip'],
    ['a zip', Buffer.from('PK\x03\x04 and so on'), 'not gzip'],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0, 0, 0]), 'not gzip'],
    ['another method', flip(whole, 2), 'not gzip'],
    ['reserved flags', withFlags(0x20, Buffer.alloc(0)), 'not gzip'],
    ['cut in its header', whole.subarray(0, 7), 'not gzip'],
    ['cut behind its header', whole.subarray(0, 10), 'cut'],
    ['cut in its data', whole.subarray(0, 30), 'cut'],
    ['cut before its checksum', whole.subarray(0, -8), 'cut'],
    ['cut in its checksum', whole.subarray(0, -1), 'cut'],
    ['a wrong checksum', flip(whole, whole.length - 8), 'checksum is wrong'],
    ['a wrong length', flip(whole, whole.length - 1), 'checksum is wrong'],
    ['damaged data', flip(whole, 12), 'damaged'],
    ['a second member', Buffer.concat([whole, tarGz({ name: 'c' })]), 'a second gzip member after its end'],
    ['an empty second member', Buffer.concat([whole, gzipSync('')]), 'a second gzip member after its end'],
    ['zeros after it', Buffer.concat([whole, Buffer.alloc(512)]), 'bytes after its end'],
    ['text after it', Buffer.concat([whole, Buffer.from('more')]), 'bytes after its end'],
    [
      'a tar in two members',
      Buffer.concat([gzipSync(tar(a).subarray(0, 700)), gzipSync(tar(a).subarray(700))]),
      'a second gzip member',
    ],
    ['a name without end', withFlags(8, Buffer.alloc(5_000, 'x')), 'a name of more than 4096 bytes'],
    ['a name that is cut', Buffer.concat([withFlags(8, Buffer.alloc(0)).subarray(0, 10), Buffer.from('name')]), 'cut'],
  ])('%s', async (_, bytes, why) => {
    for (const chunkSize of [65_536, 1]) {
      const said = await refusal(bytes, { chunkSize });
      expect(said).toMatch(/^archive_invalid: the archive /);
      expect(said).toContain(why);
    }
  });

  test('every field that its header may have is passed over', async () => {
    const extra = Buffer.from([3, 0, 1, 2, 3]);
    const bytes = withFlags(
      2 | 4 | 8 | 16,
      Buffer.concat([extra, Buffer.from('name\0comment\0'), Buffer.from([0, 0])]),
    );
    expect(await readText(bytes)).toEqual({ a: 'A', b: 'B' });
  });
});

describe('limits', () => {
  const files = Array.from({ length: 5 }, (_, i): RawEntry => ({ name: `${i}`, content: Buffer.alloc(100, i) }));
  const five = tarGz(...files);
  const unpacked = 5 * 1_024 + 1_024;

  test.each<[string, Buffer, Parameters<typeof refusal>[1], string]>([
    [
      'bytes of the archive',
      five,
      { limits: { maxArchiveBytes: five.length - 1 } },
      `more than ${five.length - 1} bytes`,
    ],
    [
      'bytes unpacked',
      five,
      { limits: { maxUnpackedBytes: unpacked - 1 } },
      `unpacks to more than ${unpacked - 1} bytes`,
    ],
    ['entries', five, { limits: { maxEntries: 4 } }, 'more than 4 entries'],
    [
      'bytes of a path',
      tarGz({ name: 'ü/ab' }),
      { limits: { maxPathBytes: 4 } },
      'the entry "ü/ab" has more than 4 bytes',
    ],
    [
      'depth of a path',
      tarGz({ name: 'a/b/c' }),
      { limits: { maxPathDepth: 2 } },
      'the entry "a/b/c" has more than 2 segments',
    ],
    [
      'depth of a folder',
      tarGz({ name: 'a/b/c/', type: '5' }),
      { limits: { maxPathDepth: 2 } },
      'the entry "a/b/c" has more than 2 segments',
    ],
    [
      'a long name',
      tarGz({ name: 'L', type: 'L', content: Buffer.alloc(65_537, 'x') }, a),
      {},
      'a long name of more than 65536 bytes',
    ],
    ['a pax header', tarGz(pax({ comment: 'x'.repeat(65_530) }), a), {}, 'a pax header of more than 65536 bytes'],
  ])('%s', async (_, bytes, options, why) => {
    const said = await refusal(bytes, options);
    expect(said).toMatch(/^archive_too_large: the /);
    expect(said).toContain(why);
  });

  test('at each of them all is read', async () => {
    const limits = { maxArchiveBytes: five.length, maxUnpackedBytes: unpacked, maxEntries: 5 };
    expect(Object.keys(await read(five, { limits }))).toHaveLength(5);
    expect(await readText(tarGz({ name: 'ü/ab' }), { limits: { maxPathBytes: 5, maxPathDepth: 2 } })).toEqual({
      'ü/ab': '',
    });
    expect(await readText(tarGz({ name: 'L', type: 'L', content: `${'x/'.repeat(9)}y\0` }, a))).toEqual({
      [`${'x/'.repeat(9)}y`]: 'A',
    });
  });

  test('a size that the whole cannot have is refused before its bytes are unpacked', async () => {
    const said = await refusal(tarGz({ name: 'huge', size: '77777777777\0', content: 'x' }));
    expect(said).toBe('archive_too_large: the entry "huge" has 8589934591 bytes; the whole may have 50000000');
  });

  test.each([
    ['in a file', () => block({ name: 'bomb', content: Buffer.alloc(40_000_000) })],
    ['after the end', () => Buffer.concat([block(a), Buffer.alloc(40_000_000)])],
    ['in many empty files', () => Buffer.concat(Array.from({ length: 60_000 }, () => block({ name: 'x' })))],
  ])('a bomb %s is stopped by its ratio', async (_, bytes) => {
    const bomb = gzipSync(bytes());
    expect(await refusal(bomb, { limits: { maxEntries: 100_000 } })).toMatch(
      /archive_too_large: the archive unpacks to more than 100 times its size|is there twice/,
    );
  });

  test('small files may be packed as densely as they can', async () => {
    const zeros = tarGz({ name: 'zeros', content: Buffer.alloc(1_000_000) });
    expect(zeros.length).toBeLessThan(2_000);
    expect(Object.keys(await read(zeros, { limits: { maxRatio: 2 } }))).toEqual(['zeros']);
  });

  test('a deflate stream that goes on after the tar counts as well', async () => {
    const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    const bomb = Buffer.concat([header, deflateRawSync(Buffer.concat([tar(a), Buffer.alloc(60_000_000)]))]);
    expect(await refusal(bomb, { limits: { maxRatio: 10_000 } })).toContain('unpacks to more than 50000000 bytes');
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 0x55, at);
  return copy;
}
