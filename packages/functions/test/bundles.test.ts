import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Account, chooseAccount, isAlive } from '@reactor/processes';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, it } from 'vitest';
import { block, END, pax, type RawEntry, tar, tarGz } from '../../archive/test/support/tar.js';
import { builtModule } from '../src/bundles/build.js';
import type { Deployment } from '../src/deployment.js';
import { bundleOf, cacheOf, createTestFunctions, handler, refusal, type TestFunctions } from './support/lifecycle.js';

const HANDLER = { name: 'index.ts', content: 'export default () => new Response("x");' };

interface Refusal {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: readonly { file?: string; line?: number; column?: number; message: string }[];
  };
}

/** Deploys to a new function and expects `bundle_invalid`. @returns the error, and the row that says the same */
async function refused(files: Record<string, string>, functions?: TestFunctions) {
  const own = functions ?? (await createTestFunctions());
  await own.create('hello');
  const answer = await own.deploy('hello', await bundleOf(files));
  const { error } = (await answer.json()) as Refusal;
  expect(`${answer.status} ${error.code}: ${error.message}`).toMatch(/^400 bundle_invalid: /);
  const [row] = await own.lifecycle.deployments.list('hello', 1);
  expect(row).toMatchObject({ status: 'failed', statusDetail: error.message });
  await expectNothingKept(own);
  return error;
}

async function expectNothingKept(functions: TestFunctions): Promise<void> {
  expect(await functions.folders()).toEqual([]);
  await functions.sweep();
  expect(await functions.keys()).toEqual([]);
}

async function deployed(functions: TestFunctions, files: Record<string, string>, name = 'hello'): Promise<Deployment> {
  const answer = await functions.deploy(name, await bundleOf(files), '?promote=true');
  if (!answer.ok) throw new Error(await answer.text());
  return (await functions.lifecycle.functions.live(name))?.deployment as Deployment;
}

const never = new AbortController().signal;

describe('a bundle is ready', () => {
  it.each<[string, Record<string, string>]>([
    [
      'exports default { fetch }',
      { 'index.ts': 'export default { fetch: async (r: Request) => new Response(r.url) };' },
    ],
    ['exports a default function', { 'index.js': 'export default async function (r) { return new Response("x"); }' }],
    ['exports a function handler', { 'index.ts': 'export async function handler() { return new Response("x"); }' }],
    ['is CommonJS', { 'index.js': 'module.exports = { fetch() { return new Response("x"); } };' }],
    [
      'exports an app with a method fetch',
      { 'index.ts': 'class App { fetch() { return new Response("x"); } }\nexport default new App();' },
    ],
    [
      'names its entry',
      { 'src/main.tsx': 'export default () => new Response("x");', 'function.json': '{"entry":"src/main.tsx"}' },
    ],
    [
      'brings its packages',
      {
        'index.ts':
          'import pad from "left-pad";\nimport { x } from "@scope/x";\nexport default () => new Response(pad(x));',
        'node_modules/left-pad/package.json': '{"name":"left-pad","main":"lib.js"}',
        'node_modules/left-pad/lib.js': 'module.exports = (x) => x;',
        'node_modules/@scope/x/package.json': '{"name":"@scope/x","exports":{".":"./x.mjs"},"type":"module"}',
        'node_modules/@scope/x/x.mjs': 'export const x = "x";',
      },
    ],
    [
      'is chatty',
      {
        'index.ts':
          'for (let i = 0; i < 20_000; i++) console.log("x".repeat(100));\nexport default () => new Response("x");',
      },
    ],
    ['keeps a timer', { 'index.ts': 'setInterval(() => {}, 1000);\nexport default () => new Response("x");' }],
    [
      'spoils what a check could lean on',
      {
        'index.ts':
          'process.exit = (() => {}) as never;\nconsole.log = () => {};\nJSON.parse = () => null;\nexport default () => new Response("x");',
      },
    ],
  ])('that %s', async (_, files) => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const { settings } = await deployed(functions, files);
    expect(settings.entry).toMatch(/^(?:index\.[jt]s|src\/main\.tsx)$/);
  });

  it('and its folder holds its files and the built module beside its entry', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const deployment = await deployed(functions, {
      'src/index.ts':
        'import { x } from "../lib/x";\nimport image from "./image.png" with { type: "file" };\nexport default () => new Response(x + image);',
      'src/image.png': 'not really',
      'lib/x.ts': 'export const x: string = "x";',
      'template.html': '<p>',
      'function.json': '{"entry":"src/index.ts"}',
    });
    const folder = await functions.lifecycle.folders.open(deployment, never);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual([
      'function.json',
      'lib',
      'lib/x.ts',
      'src',
      expect.stringMatching(/^src\/\.reactor-\w+\.png$/),
      'src/.reactor.js',
      'src/.reactor.js.map',
      'src/image.png',
      'src/index.ts',
      'template.html',
    ]);
    expect(builtModule(folder, deployment.settings.entry)).toBe(join(folder, 'src/.reactor.js'));
    const map = JSON.parse(await readFile(join(folder, 'src/.reactor.js.map'), 'utf8'));
    expect(map.sources).toEqual(expect.arrayContaining(['../lib/x.ts', 'index.ts']));
    for (const file of await readdir(folder, { recursive: true })) {
      const info = await stat(join(folder, file));
      expect((info.mode & 0o777).toString(8), file).toBe(info.isDirectory() ? '755' : '644');
    }
  });
});

describe('a bundle is refused', () => {
  it.each<[string, Record<string, string>, object]>([
    [
      'a syntax error',
      { 'index.ts': 'export const a = 1;\nexport const b = ;' },
      { file: 'index.ts', line: 2, column: 18, message: 'Unexpected ;' },
    ],
    [
      'an unresolved import',
      {
        'index.ts': 'import { x } from "./lib";\nexport default () => x;',
        'lib.ts': 'import y from "not-there";\nexport const x = y;',
      },
      { file: 'lib.ts', line: 1, column: 15, message: expect.stringContaining('not-there') },
    ],
    [
      'a throw at import',
      {
        'index.ts': 'import { boom } from "./lib/boom";\n\nboom();\nexport default () => 1;',
        'lib/boom.ts': 'interface Long {}\n\nexport function boom(): never {\n  throw new TypeError("no luck");\n}',
      },
      { file: 'lib/boom.ts', line: 4, message: 'importing the module threw TypeError: no luck' },
    ],
    [
      'a throw of something else',
      { 'index.ts': 'throw { toString() { throw 1; } };' },
      { message: 'importing the module threw something that cannot be shown' },
    ],
    [
      'a rejection at import',
      { 'index.ts': 'Promise.reject(new Error("late"));\nexport default () => 1;' },
      { file: 'index.ts', line: 1, message: 'importing the module threw Error: late' },
    ],
    [
      'an end of the process at import',
      { 'index.ts': 'process.exit(0);\nexport default () => 1;' },
      { message: expect.stringContaining('importing it ended the process with exit code 0') },
    ],
    [
      'no handler',
      { 'index.ts': 'export const fetch = 1;\nexport default { fetch: 1 };' },
      {
        file: 'index.ts',
        message: expect.stringMatching(/exports no handler but .*fetch.*accepted are "export default \{ fetch \}"/),
      },
    ],
    ['no export', { 'index.ts': '' }, { file: 'index.ts', message: expect.stringContaining('no handler but default') }],
    [
      'a class',
      { 'index.ts': 'export default class App { static x = 1; }' },
      { file: 'index.ts', message: expect.stringContaining('no handler but default') },
    ],
    ['no entry', { 'main.ts': '' }, { message: expect.stringMatching(/neither index.ts nor index.js at its root/) }],
    ['a folder around it', { 'hello/index.ts': '' }, { message: expect.stringContaining('not the folder') }],
    [
      'an entry that is not there',
      { ...handler('x'), 'function.json': '{"entry":"src/main.ts"}' },
      { file: 'function.json', message: 'entry: the bundle has no file "src/main.ts"' },
    ],
    [
      'an entry out of it',
      { ...handler('x'), 'function.json': '{"entry":"../../x.ts"}' },
      { file: 'function.json', message: expect.stringContaining('entry: must be the path') },
    ],
    ['an entry that is a folder', { 'index.ts/x': '' }, { message: expect.stringContaining('neither index.ts') }],
    [
      'an unknown setting',
      { ...handler('x'), 'function.json': '{"timeout":1}' },
      { file: 'function.json', message: expect.stringContaining('timeout: unknown key') },
    ],
    [
      'settings that are not JSON',
      { ...handler('x'), 'function.json': '{\n  "access": public\n}' },
      { file: 'function.json', message: expect.stringContaining('is not JSON') },
    ],
    [
      'settings that are too long',
      { ...handler('x'), 'function.json': ' '.repeat(70_000) },
      { file: 'function.json', message: 'has more than 65536 bytes' },
    ],
    [
      'a name of ours',
      { ...handler('x'), '.reactor.js': '' },
      { message: expect.stringContaining('names that begin with .reactor') },
    ],
  ])('for %s', async (_, files, problem) => {
    const { message, details } = await refused(files);
    expect(details[0]).toMatchObject(problem);
    expect(message).toContain(details[0]?.message.slice(0, 40));
    expect(JSON.stringify(details)).not.toContain('/cache/');
  });

  it('for a loop at import, of which nothing is left', async () => {
    const { details } = await refused({ 'index.ts': 'for (;;);\nexport default () => 1;' });
    expect(details).toEqual([{ message: 'importing it took longer than 10 s and was ended' }]);
  });

  it('when all its memory is used up at import', async () => {
    const hoard = 'const all = [];\nfor (;;) all.push(new Uint8Array(50_000_000).fill(1));\nexport default () => all;';
    const { message } = await refused({ 'index.ts': hoard });
    expect(message).toMatch(/importing/);
  });

  it('with the place of each error', async () => {
    const { details } = await refused({
      'index.ts': 'import a from "./a";\nimport b from "./b";\nexport default () => [a, b];',
    });
    expect(details.map(({ file, line }) => `${file}:${line}`)).toEqual(['index.ts:1', 'index.ts:2']);
  });
});

describe('building and importing', () => {
  /** What the module says as it is imported, by way of the error. */
  async function saying(expression: string, functions?: TestFunctions): Promise<unknown> {
    const { message } = await refused(
      { 'index.ts': `throw new Error(JSON.stringify(${expression}) + "|");` },
      functions,
    );
    return JSON.parse(/threw Error: (.*)\|/s.exec(message)?.[1] ?? 'null');
  }

  it('see nothing of our environment', async () => {
    process.env.SECRET_OF_THE_SERVER = 'x';
    const names = (await saying('Object.keys(process.env)')) as string[];
    delete process.env.SECRET_OF_THE_SERVER;
    expect(names.filter((name) => !['PATH', 'HOME', 'TMPDIR', 'DO_NOT_TRACK'].includes(name))).toEqual([]);
  });

  it('put nothing of their environment into the module', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const deployment = await deployed(functions, {
      'index.ts': 'export default () => new Response(process.env.HOME);',
      '.env': 'HOME=/from-the-bundle',
    });
    const folder = await functions.lifecycle.folders.open(deployment, never);
    expect(await readFile(join(folder, '.reactor.js'), 'utf8')).toContain('process.env.HOME');
  });

  it('read no settings of Bun from the bundle', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await deployed(functions, {
      ...handler('x'),
      'bunfig.toml': 'preload = ["./preload.ts"]',
      'preload.ts': 'throw new Error("preloaded");',
      '.env': 'SOME=thing',
      'package.json': '{"scripts":{"postinstall":"exit 1","preinstall":"exit 1"},"dependencies":{"left-pad":"1.3.0"}}',
    });
    const folder = (await functions.folders())[0] as string;
    const files = await readdir(join(await cacheOf(functions.lifecycle, functions.bun), folder));
    expect(files).not.toContain('node_modules');
  });

  it('install nothing', async () => {
    const code = 'const name = ["left", "pad"].join("-");\nawait import(name);\nexport default () => 1;';
    const { message } = await refused({ 'index.ts': code });
    expect(message).toMatch(/left-pad/);
  });

  it('leave no process behind', async () => {
    const code = 'const { pid } = Bun.spawn(["sleep", "1000"]);\nthrow new Error("pid=" + pid);';
    const { message } = await refused({ 'index.ts': code });
    const pid = Number(/pid=(\d+)/.exec(message)?.[1]);
    expect(pid).toBeGreaterThan(1);
    await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });

  it('are of no use without Bun, and the bundle is not to blame', async () => {
    const functions = await createTestFunctions({ binary: '/not/there/bun' });
    await functions.create('hello');
    const answer = await functions.deploy('hello', await bundleOf(handler('x')));
    expect(await refusal(answer)).toBe('503 cold_start_failed');
    const [row] = await functions.lifecycle.deployments.list('hello', 1);
    expect(row).toMatchObject({ status: 'failed', statusDetail: expect.stringContaining('the server failed') });
  });

  it('wait for Bun to come back, without which the server starts', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const deployment = await deployed(functions, handler('x'));
    functions.breakBun(new Error('no such file'));
    const restarted = await functions.restart();
    await expect(restarted.folders.open(deployment, never)).rejects.toMatchObject({ code: 'deployment_not_ready' });
    await expect(restarted.folders.admit(deployment, never)).rejects.toMatchObject({
      code: 'cold_start_failed',
      status: 503,
      cause: expect.objectContaining({ message: 'no such file' }),
    });
    functions.breakBun(undefined);
    await expect(restarted.folders.open(deployment, never)).resolves.toMatch(/^\//);
  });

  const root = process.getuid?.() === 0;
  it.runIf(root)('run under the account of functions, which reads the bundle and nothing else', async () => {
    const account = (await chooseAccount(['nobody', 'daemon'], '/not/there')) as Account;
    const functions = await createTestFunctions({ account });
    expect(await saying('[process.getuid(), process.getgid(), process.getgroups()]', functions)).toEqual([
      account.uid,
      account.gid,
      expect.not.arrayContaining([0]),
    ]);
    const secret = join(await temporaryDirectory(), 'secret');
    await writeFile(secret, 'of root', { mode: 0o600 });
    const read = `import { readFileSync } from "node:fs";\nexport default () => 1;\nreadFileSync(${JSON.stringify(secret)});`;
    await functions.create('reader');
    const refusedRead = await functions.deploy('reader', await bundleOf({ 'index.ts': read }));
    expect(((await refusedRead.json()) as Refusal).error.message).toMatch(/EACCES/);

    await functions.create('writer');
    const write =
      'import { writeFileSync } from "node:fs";\nexport default () => 1;\nwriteFileSync(import.meta.dir + "/index.ts", "");';
    const refusedWrite = await functions.deploy('writer', await bundleOf({ 'index.ts': write }));
    expect(((await refusedWrite.json()) as Refusal).error.message).toMatch(/EACCES/);

    await functions.create('other');
    await deployed(functions, handler('x'), 'other');
    const cache = await cacheOf(functions.lifecycle, functions.bun);
    const info = await stat(cache);
    expect([info.uid, info.gid, (info.mode & 0o777).toString(8)]).toEqual([0, account.gid, '750']);
  });

  it.runIf(root)('copy nothing but what the build has made', async () => {
    const account = (await chooseAccount(['nobody', 'daemon'], '/not/there')) as Account;
    const functions = await createTestFunctions({ account });
    await functions.create('hello');
    const secret = join(await temporaryDirectory(), 'secret');
    await writeFile(secret, 'of root', { mode: 0o600 });
    // A macro runs while the module is built.
    const macro = `import { readdirSync, symlinkSync } from "node:fs";
export function plant() {
  symlinkSync(${JSON.stringify(secret)}, process.env.HOME + "/.reactor-planted.txt");
  return "x";
}`;
    const files = {
      'index.ts':
        'import { plant } from "./macro" with { type: "macro" };\nexport default () => new Response(plant());',
      'macro.ts': macro,
    };
    const answer = await functions.deploy('hello', await bundleOf(files));
    expect(await refusal(answer)).toBe('400 bundle_invalid');
    await expectNothingKept(functions);
  });
});

describe('an archive that is hostile or broken', () => {
  const good = tarGz(HANDLER);
  const cases: [string, Buffer, string][] = [
    ['out of its root', tarGz(HANDLER, { name: '../escaped.ts', content: 'x' }), '400 archive_invalid'],
    ['absolute', tarGz(HANDLER, { name: '/tmp/escaped.ts', content: 'x' }), '400 archive_invalid'],
    ['through a folder', tarGz(HANDLER, { name: 'a/../../escaped.ts', content: 'x' }), '400 archive_invalid'],
    ['by a pax path', tarGz(HANDLER, pax({ path: '../escaped.ts' }), { name: 'fine.ts' }), '400 archive_invalid'],
    ['with a symbolic link', tarGz(HANDLER, { name: 'l', type: '2', link: '/etc' }), '400 archive_invalid'],
    [
      'writing through a link',
      tarGz(HANDLER, { name: 'l', type: '2', link: '/tmp' }, { name: 'l/x', content: 'x' }),
      '400 archive_invalid',
    ],
    ['with a hard link', tarGz(HANDLER, { name: 'l', type: '1', link: '/etc/passwd' }), '400 archive_invalid'],
    ['with a character device', tarGz(HANDLER, { name: 'd', type: '3' }), '400 archive_invalid'],
    ['with a block device', tarGz(HANDLER, { name: 'd', type: '4' }), '400 archive_invalid'],
    ['with a fifo', tarGz(HANDLER, { name: 'f', type: '6' }), '400 archive_invalid'],
    ['with a file twice', tarGz(HANDLER, HANDLER), '400 archive_invalid'],
    ['with names that differ by case', tarGz(HANDLER, { name: 'INDEX.ts', content: 'x' }), '400 archive_invalid'],
    [
      'with names in two Unicode forms',
      tarGz(HANDLER, { name: 'u\u0308.ts' }, { name: '\u00fc.ts' }),
      '400 archive_invalid',
    ],
    ['with a file that is a folder too', tarGz(HANDLER, { name: 'a' }, { name: 'a/b' }), '400 archive_invalid'],
    ['with NUL in a name', tarGz(HANDLER, pax({ path: 'a\0b' }), { name: 'x' }), '400 archive_invalid'],
    [
      'that unpacks to far more',
      tarGz(HANDLER, { name: 'bomb', content: Buffer.alloc(20_000_000) }),
      '413 archive_too_large',
    ],
    [
      'with a path of 800 bytes',
      tarGz(HANDLER, pax({ path: `${`${'a'.repeat(200)}/`.repeat(4)}x` }), { name: 'x' }),
      '413 archive_too_large',
    ],
    ['of 65 folders', tarGz(HANDLER, pax({ path: `${'a/'.repeat(65)}x` }), { name: 'x' }), '413 archive_too_large'],
    [
      'of 50 001 files',
      tarGz(HANDLER, ...Array.from({ length: 50_001 }, (_, i): RawEntry => ({ name: `d/${i}` }))),
      '413 archive_too_large',
    ],
    ['cut in the middle', good.subarray(0, good.length / 2), '400 archive_invalid'],
    ['cut before its checksum', good.subarray(0, -8), '400 archive_invalid'],
    ['cut before its end blocks', gzipSync(block(HANDLER)), '400 archive_invalid'],
    ['with bytes after its end', Buffer.concat([good, Buffer.from('x')]), '400 archive_invalid'],
    ['of two members', Buffer.concat([good, good]), '400 archive_invalid'],
    ['that is a tar', tar(HANDLER), '400 archive_invalid'],
    ['that is a zip', Buffer.from('PK\x03\x04 and so on'), '400 archive_invalid'],
    ['that is empty', Buffer.alloc(0), '400'],
    ['of nothing', gzipSync(END), '400 bundle_invalid'],
    ['of noise', randomBytes(10_000), '400 archive_invalid'],
  ];

  it('is refused and leaves nothing', async () => {
    const functions = await createTestFunctions();
    const answers: string[] = [];
    for (const [what, archive] of cases) {
      await functions.create('hello');
      const answer = await functions.deploy('hello', archive);
      answers.push(`${what}: ${await refusal(answer)}`);
      const rows = await functions.lifecycle.deployments.list('hello', 10);
      expect(
        rows.every(({ status }) => status === 'failed'),
        what,
      ).toBe(true);
      expect(await functions.folders(), what).toEqual([]);
      await functions.as('admin')('DELETE', '/functions/hello');
    }
    expect(answers).toEqual(cases.map(([what, , expected]) => expect.stringContaining(`${what}: ${expected}`)));
    await expectNothingKept(functions);
    expect(await readdir(functions.bun.cacheDirectory)).toEqual(['functions']);
    await expect(stat('/tmp/escaped.ts')).rejects.toThrow('ENOENT');
  });
});

describe('an upload', () => {
  const form = (parts: Record<string, string | Uint8Array>) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(parts)) {
      data.append(
        name,
        typeof value === 'string' ? value : new Blob([value as Uint8Array<ArrayBuffer>]),
        ...((typeof value === 'string' ? [] : ['x.tgz']) as []),
      );
    }
    return data;
  };
  const post = (functions: TestFunctions, init: RequestInit) =>
    functions.as('admin')('POST', '/functions/hello/deployments', init);

  it.each(['application/gzip', 'application/x-gzip', 'application/octet-stream', 'Application/GZip; x=y'])(
    'may be %s',
    async (type) => {
      const functions = await createTestFunctions();
      await functions.create('hello');
      const body = (await bundleOf(handler('x'))) as Uint8Array<ArrayBuffer>;
      expect((await post(functions, { body, headers: { 'Content-Type': type } })).status).toBe(201);
    },
  );

  it('may be a form, with the hash of the bundle', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const bundle = await bundleOf(handler('x'));
    const first = await post(functions, { body: form({ bundle }) });
    expect(first.status).toBe(201);
    const { bundle_sha256: sha256 } = await first.json();
    expect((await post(functions, { body: form({ sha256: sha256.toUpperCase(), bundle }) })).status).toBe(200);
    expect((await post(functions, { body: form({ bundle, sha256 }) })).status).toBe(200);
    const other = await bundleOf(handler('y'));
    expect(await refusal(await post(functions, { body: form({ bundle: other, sha256 }) }))).toBe('400 bundle_invalid');
    expect(await refusal(await post(functions, { body: form({ sha256, bundle: other }) }))).toBe('400 bundle_invalid');
    expect(await functions.keys()).toHaveLength(1);
    expect(await functions.lifecycle.deployments.list('hello', 10)).toHaveLength(1);
  });

  it('is refused in another form, and leaves nothing', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const bundle = await bundleOf(handler('x'));
    const type = (value: string) => ({ 'Content-Type': value });
    const body = bundle as Uint8Array<ArrayBuffer>;
    const boundary = 'multipart/form-data; boundary=xyz';
    const cut = `--xyz\r\nContent-Disposition: form-data; name="bundle"; filename="x"\r\n\r\n${'x'.repeat(100_000)}`;
    const twice = new FormData();
    for (const name of ['a', 'b']) twice.append('bundle', new Blob([body]), name);
    const answers: [string, RequestInit][] = [
      ['415 unsupported_media_type', { body, headers: type('application/zip') }],
      ['415 unsupported_media_type', { body, headers: type('application/json') }],
      ['415 unsupported_media_type', { body }],
      ['415 unsupported_media_type', { body, headers: { ...type('application/gzip'), 'Content-Encoding': 'gzip' } }],
      ['400 invalid_request', { body, headers: { ...type('application/gzip'), 'Content-Length': 'x' } }],
      [
        '400 bundle_invalid',
        { body, headers: { ...type('application/gzip'), 'Content-Length': String(body.length + 1) } },
      ],
      ['400 bundle_invalid', { headers: type('application/gzip') }],
      ['400 invalid_request', { body: form({ sha256: 'x' }) }],
      ['400 invalid_request', { body: form({ archive: bundle }) }],
      ['400 invalid_request', { body: form({ bundle, name: 'hello' }) }],
      ['400 invalid_request', { body: form({ bundle, sha256: 'x'.repeat(300) }) }],
      ['400 invalid_request', { body: twice }],
      ['400 invalid_request', { body, headers: type('multipart/form-data') }],
      ['400 invalid_request', { body, headers: type(boundary) }],
      ['400 invalid_request', { body: cut, headers: type(boundary) }],
      ['400 invalid_request', { body: `${cut}\r\n--xyz`, headers: type(boundary) }],
      ['400 invalid_request', { body: '', headers: type(boundary) }],
    ];
    const got: string[] = [];
    for (const [, init] of answers) got.push(await refusal(await post(functions, init)));
    expect(got).toEqual(answers.map(([expected]) => expected));
    expect(await functions.lifecycle.deployments.list('hello', 10)).toEqual([]);
    expect(await functions.keys()).toEqual([]);
  });

  it('has a limit, announced or not, in a form or not', async () => {
    const bundle = await bundleOf(handler('x'));
    const functions = await createTestFunctions({ bundleMaxBytes: bundle.length });
    await functions.create('hello');
    const larger = Buffer.concat([bundle, Buffer.from('x')]);
    const raw = (bytes: Uint8Array, headers: Record<string, string> = {}): RequestInit =>
      ({
        body: new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(),
        headers: { 'Content-Type': 'application/gzip', ...headers },
        duplex: 'half',
      }) as RequestInit;
    for (const init of [
      raw(larger),
      raw(larger, { 'Content-Length': String(larger.length) }),
      raw(bundle, { 'Content-Length': '999999999' }),
      { body: form({ bundle: larger }) },
      { body: form({ bundle: Buffer.alloc(300_000) }) },
    ]) {
      const answer = await post(functions, init);
      expect(answer.headers.get('Connection')).toBe('close');
      expect(await refusal(answer)).toBe('413 bundle_too_large');
    }
    expect(await functions.keys()).toEqual([]);
    expect((await post(functions, raw(bundle))).status).toBe(201);
    expect((await post(functions, { body: form({ bundle }) })).status).toBe(200);
  });

  it.each(['raw', 'form'])('that breaks off leaves nothing: %s', async (kind) => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const head = '--xyz\r\nContent-Disposition: form-data; name="bundle"; filename="x"\r\n\r\n';
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(kind === 'raw' ? 'x' : head + 'x'.repeat(200_000))),
      pull: (controller) => controller.error(new Error('connection lost')),
    });
    const type = kind === 'raw' ? 'application/gzip' : 'multipart/form-data; boundary=xyz';
    const answer = await post(functions, { body, headers: { 'Content-Type': type }, duplex: 'half' } as RequestInit);
    expect(await refusal(answer)).toBe('400 bundle_invalid');
    const leaving = new AbortController();
    const stalled = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(kind === 'raw' ? 'x' : head)),
    });
    setTimeout(() => leaving.abort(), 50);
    const left = functions.lifecycle.deployments.deploy(
      'hello',
      { headers: new Headers({ 'Content-Type': type }), body: stalled, signal: leaving.signal },
      false,
    );
    await expect(left).rejects.toMatchObject({ code: 'bundle_invalid' });
    expect(functions.results).toEqual(['rejected', 'aborted']);
    expect(await functions.keys()).toEqual([]);
    expect(await functions.lifecycle.deployments.list('hello', 10)).toEqual([]);
  });

  it('of many megabytes takes little memory', async () => {
    const functions = await createTestFunctions({ bundleMaxBytes: 100_000_000 });
    await functions.create('hello');
    const chunk = randomBytes(1_000_000);
    let sent = 0;
    const head = '--xyz\r\nContent-Disposition: form-data; name="bundle"; filename="x"\r\n\r\n';
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from(head)),
      pull(controller) {
        sent += 1;
        if (sent <= 80) return controller.enqueue(chunk);
        controller.enqueue(Buffer.from('\r\n--xyz--\r\n'));
        controller.close();
      },
    });
    let most = 0;
    const before = process.memoryUsage();
    const timer = setInterval(() => {
      const { arrayBuffers } = process.memoryUsage();
      most = Math.max(most, arrayBuffers - before.arrayBuffers);
    }, 5);
    const headers = { 'Content-Type': 'multipart/form-data; boundary=xyz' };
    const answer = await post(functions, { body, headers, duplex: 'half' } as RequestInit);
    clearInterval(timer);
    expect(await refusal(answer)).toBe('400 archive_invalid');
    expect(most).toBeLessThan(40_000_000);
  });
});

describe('the cache of bundles', () => {
  it('makes on each server what is not there, once for all who ask', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const deployment = await deployed(functions, handler('x'));
    const other = await functions.another();
    let fetched = 0;
    const get = functions.blobs.get.bind(functions.blobs);
    functions.blobs.get = (...args) => {
      fetched += 1;
      return get(...args);
    };
    const leaving = new AbortController();
    const left = other.folders.open(deployment, leaving.signal);
    const opening = Promise.all([1, 2, 3].map(() => other.folders.open(deployment, never)));
    leaving.abort(new Error('left'));
    await expect(left).rejects.toThrow('left');
    const [first, ...others] = await opening;
    expect(new Set([first, ...others]).size).toBe(1);
    expect(await other.folders.open(deployment, never)).toBe(first);
    expect(fetched).toBe(1);
    expect((await stat(builtModule(first as string, 'index.ts'))).isFile()).toBe(true);
  });

  it('does not load what is not what was stored', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const deployment = await deployed(functions, handler('x'));
    await functions.create('evil');
    const evil = await deployed(functions, handler('evil'), 'evil');
    const other = await functions.another();
    const open = (changed: Partial<Deployment>) => other.folders.open({ ...deployment, ...changed }, never);
    for (const changed of [
      { blobKey: evil.blobKey },
      { blobKey: evil.blobKey, sizeBytes: evil.sizeBytes },
      { sizeBytes: deployment.sizeBytes + 1 },
      { sizeBytes: deployment.sizeBytes - 1 },
      { blobKey: 'functions/none/00/none' },
    ]) {
      await expect(open(changed)).rejects.toMatchObject({
        code: 'deployment_not_ready',
        headers: { 'Retry-After': '1' },
        cause: expect.any(Error),
      });
    }
    expect(
      await readdir(
        await cacheOf(other, { ...functions.bun, cacheDirectory: join(functions.bun.cacheDirectory, '../another') }),
      ),
    ).toEqual(['.boot']);
    await expect(open({})).resolves.toMatch(/^\//);
  });

  it('drops what an earlier process left half made, and keeps what is whole', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await deployed(functions, handler('x'));
    const [whole] = await functions.folders();
    const cache = await cacheOf(functions.lifecycle, functions.bun);
    await mkdir(join(cache, '+half/bundle'), { recursive: true });
    await writeFile(join(cache, '+half/bundle/index.ts'), 'x');
    await functions.restart();
    expect(await functions.folders()).toEqual([whole]);
    // What was not on the disk when the machine went down is not trusted.
    await writeFile(join(cache, '.boot'), 'another start of the machine');
    await functions.restart();
    expect(await functions.folders()).toEqual([]);
    expect(await readdir(cache)).toEqual(['.boot']);
  });

  it('is pruned to what is still deployed', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await functions.create('other');
    const kept = await deployed(functions, handler('x'));
    await deployed(functions, handler('y'), 'other');
    expect(await functions.folders()).toHaveLength(2);
    await functions.as('admin')('DELETE', '/functions/other');
    await functions.sweep();
    expect(await functions.folders()).toHaveLength(1);
    const folder = await functions.lifecycle.folders.open(kept, never);
    expect(folder.endsWith((await functions.folders())[0] as string)).toBe(true);
    await rm(folder, { recursive: true });
    expect(await functions.lifecycle.folders.open(kept, never)).toBe(folder);
    expect(await functions.lifecycle.folders.prune([])).toBe(1);
    expect(await functions.folders()).toEqual([]);
  });

  it('may be shared by the databases of one server, which leave each other alone', async () => {
    const first = await createTestFunctions();
    const second = await createTestFunctions({ cacheDirectory: first.bun.cacheDirectory });
    for (const functions of [first, second]) await functions.create('hello');
    await deployed(first, handler('x'));
    await deployed(second, handler('x'));
    await second.as('admin')('DELETE', '/functions/hello');
    await second.sweep();
    await second.restart();
    expect(await second.folders()).toEqual([]);
    expect(await first.folders()).toHaveLength(1);
  });

  it('has other rights than the umask says', async () => {
    const before = process.umask(0o077);
    try {
      const functions = await createTestFunctions();
      await functions.create('hello');
      const folder = await functions.lifecycle.folders.open(await deployed(functions, handler('x')), never);
      const modes = await Promise.all(['.', 'index.ts', '.reactor.js'].map((file) => stat(join(folder, file))));
      expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['755', '644', '644']);
    } finally {
      process.umask(before);
    }
  });

  it('tells when it cannot be written', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const deployment = await deployed(functions, handler('x'));
    const cache = await cacheOf(functions.lifecycle, functions.bun);
    await rm(cache, { recursive: true });
    await writeFile(cache, 'a file');
    await expect(functions.lifecycle.folders.open(deployment, never)).rejects.toMatchObject({
      code: 'deployment_not_ready',
    });
    const answer = await functions.deploy('hello', await bundleOf(handler('y')));
    expect(answer.status).toBe(500);
    const [row] = await functions.lifecycle.deployments.list('hello', 1);
    expect(row).toMatchObject({ status: 'failed', statusDetail: expect.stringContaining('the server failed') });
    await rm(cache);
    await chmod(functions.bun.cacheDirectory, 0o755);
  });
});
