import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { launchBrowser, otherSite } from '../support/browser.js';
import { createBucket, signUp } from '../support/client.js';
import { connectDatabase } from '../support/database.js';
import { startServer } from '../support/server.js';

/** What an attacker stores: says in its title that it ran, and what it can read. */
const SCRIPT = `document.title = 'ran with ' + (() => {
  try { return localStorage.token + ' ' + document.cookie } catch (error) { return error.name }
})()`;
const HTML = `<!doctype html><title>quiet</title><script>${SCRIPT}</script>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg"><title>quiet</title><script>${SCRIPT.replaceAll('&', '&amp;')}</script></svg>`;

/** Types as they were ever stored, each tried with both bodies; those that are refused now stand for old rows. */
const TYPES = [
  'text/html',
  'TEXT/HTML',
  'text/html; charset=utf-8',
  'text/html;',
  'text/html,',
  'application/xhtml+xml',
  'image/svg+xml',
  'text/xml',
  'application/xml',
  'application/rss+xml',
  'text/xsl',
  'x/y+xml',
  'text/plain',
  'text/plain, text/html',
  'text/plain; charset=utf-8, text/html',
  'text/plain; a=", text/html"',
  'text/plain; a="\\", text/html; b=\\""',
  'application/json',
  'application/javascript',
  'text/css',
  'application/octet-stream',
  'application/unknown',
  'unknown/unknown',
  '*/*',
  'text/*',
  'x',
  '',
  ',',
  'multipart/x-mixed-replace; boundary=x',
  'multipart/related; boundary=x',
  'message/rfc822',
  'image/png',
  'application/pdf',
  'application/PDF',
  'application/pdf;x=1',
  'application/pdf,text/html',
  'application/pdf, text/html',
  'application/pdf;x=1, text/html',
  'application/pdf; charset=x, text/html; charset=utf-8',
  'application/pdf, image/svg+xml',
  'application/pdf; a="\\", text/html; b=\\""',
];

const TABS = 4;

/** Such a page loads only what says that other origins may. */
const ISOLATED = { 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** The title of the page at `url`, or what came instead of one. */
async function titleOf(page: Page, url: string): Promise<string> {
  try {
    await page.goto(url);
  } catch (error) {
    if (/Download is starting|ERR_ABORTED/.test((error as Error).message)) return 'download';
    throw error;
  }
  return page.title();
}

test('no stored type makes a page that runs, or reads what a signed-in visitor keeps for the origin', async () => {
  const server = await startServer();
  const person = await signUp(server);
  await createBucket(server, 'attic', true);
  const { client } = await connectDatabase(server);
  const browser = await launchBrowser();
  const context = await browser.newContext();
  const page = await context.newPage();

  // The control: elsewhere it runs, so it would be seen here.
  const elsewhere = await otherSite({ '/html': ['text/html', HTML], '/svg': ['image/svg+xml', SVG] });
  for (const path of ['html', 'svg'])
    expect(await titleOf(page, `${elsewhere}/${path}`)).toMatch(/^ran with undefined/);

  await page.goto(`${server.url}/health`);
  await page.evaluate(() => {
    localStorage.token = 'secret';
    // biome-ignore lint/suspicious/noDocumentCookie: what the script would read.
    document.cookie = 'session=secret';
  });
  const objects = TYPES.flatMap((type, index) => [
    { type, key: `${index}.html`, body: HTML },
    { type, key: `${index}.svg`, body: SVG },
  ]);
  const urlOf = (key: string) => `${server.url}/storage/v1/object/attic/${key}`;
  for (const { type, key, body } of objects) {
    const headers = { Authorization: `Bearer ${person.access_token}`, 'Content-Type': 'text/html' };
    expect((await fetch(urlOf(key), { method: 'PUT', headers, body })).status).toBe(200);
    await client.query('UPDATE reactor_storage.objects SET content_type = $1 WHERE key = $2', [type, key]);
  }
  const waiting = [...objects];
  const ran: string[][] = [];
  const visit = async () => {
    const tab = await context.newPage();
    for (let object = waiting.pop(); object !== undefined; object = waiting.pop()) {
      const title = await titleOf(tab, urlOf(object.key));
      if (title.startsWith('ran')) ran.push([object.type, object.key, title]);
    }
  };
  await Promise.all(Array.from({ length: TABS }, visit));
  expect(ran).toEqual([]);
  await page.goto(`${server.url}/health`);
  expect(await page.evaluate(() => localStorage.token)).toBe('secret');
}, 180_000);

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** How a page gets at `url`: `read` with CORS, `opaque` without, `show` as an image. */
type Way = 'read' | 'opaque' | 'show';

function reach(page: Page, way: Way, url: string, token?: string): Promise<string> {
  return page.evaluate(
    async ([way, url, token]) => {
      if (way === 'show') {
        const image = new Image();
        image.src = url;
        return image.decode().then(
          () => 'shown',
          () => 'blocked',
        );
      }
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      const request = fetch(url, way === 'read' ? { headers } : { mode: 'no-cors' });
      return request.then(
        ({ type, status }) => `${type} ${status}`,
        () => 'blocked',
      );
    },
    [way, url, token] as const,
  );
}

test('pages of other origins read what CORS allows them, and embed public objects only', async () => {
  const files = { '/': ['text/html', '<p>'], '/isolated': ['text/html', '<p>', ISOLATED] } as const;
  const [friend, stranger] = [await otherSite(files), await otherSite(files)];
  const server = await startServer({ environment: { REACTOR_SERVER__CORS__ALLOW_ORIGINS: friend } });
  const { access_token: token } = await signUp(server);
  for (const [slug, isPublic] of [['open', true] as const, ['closed', false] as const]) {
    await createBucket(server, slug, isPublic);
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'image/png' };
    const url = `${server.url}/storage/v1/object/${slug}/a`;
    expect((await fetch(url, { method: 'PUT', headers, body: PIXEL })).status).toBe(200);
  }
  const rows: [page: string, way: Way, path: string, expected: string][] = [
    [`${friend}/`, 'read', '/health', 'cors 200'],
    [`${friend}/`, 'read', '/auth/v1/user', 'cors 200'],
    [`${friend}/`, 'read', '/storage/v1/object/closed/a', 'cors 200'],
    [`${friend}/isolated`, 'read', '/health', 'cors 200'],
    [`${friend}/`, 'opaque', '/health', 'blocked'],
    [`${stranger}/`, 'read', '/health', 'blocked'],
    [`${stranger}/`, 'opaque', '/health', 'blocked'],
    [`${stranger}/`, 'opaque', '/metrics', 'blocked'],
    [`${stranger}/`, 'opaque', '/nowhere', 'blocked'],
    [`${stranger}/`, 'opaque', '/storage/v1/object/open/a', 'opaque 0'],
    [`${stranger}/`, 'show', '/storage/v1/object/open/a', 'shown'],
    [`${stranger}/isolated`, 'show', '/storage/v1/object/open/a', 'shown'],
    [`${stranger}/`, 'show', '/storage/v1/object/closed/a', 'blocked'],
  ];
  const page = await (await launchBrowser()).newPage();
  const seen = [];
  for (const [at, way, path] of rows) {
    await page.goto(at);
    seen.push([at, way, path, await reach(page, way, server.url + path, token)]);
  }
  expect(seen).toEqual(rows);
});
