import type { OpenAPIHono } from '@hono/zod-openapi';
import {
  type BlobContent,
  blobErrors,
  coreErrors,
  principalOf,
  type ReactorEnv,
  requestOf,
  resultOf,
  type Services,
  signalOfRequest,
} from '@reactor/core';
import type { Context } from 'hono';
import { requireKnown } from '../access.js';
import { storageErrors } from '../errors.js';
import { contentGuards, isContentType, parseContentType } from '../http/content-type.js';
import { matchesIfMatch, matchesIfNoneMatch, parsePreconditions, preconditionFailed } from '../http/preconditions.js';
import { parseRange } from '../http/range.js';
import type { DownloadEnd } from '../metered-blobs.js';
import type { StorageMetrics } from '../metrics.js';
import { assertObjectKey } from '../object-key.js';
import { entityTag, type Objects } from '../objects.js';
import type { StorageService } from '../service.js';
import type { StoredObject } from '../stored-object.js';
import { observed } from './observed.js';
import { describeObjectRoutes } from './openapi.js';
import { objectJson } from './schemas.js';

/** `.` would leave out line breaks, which then had no route instead of an answer that names the problem. */
const PATH = '/object/:bucket/:key{[\\s\\S]+}';

type Found = StoredObject & { readonly isPublic: boolean };

/** Upload, download, head and delete. A body of more than a few bytes goes through in chunks, either way. */
export function addObjectRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<StorageService>,
  metrics: StorageMetrics,
): void {
  routes.put(PATH, (c) =>
    observed(metrics, 'put', async () => {
      const caller = requireKnown(principalOf(c));
      const { bucket, key } = addressOf(c);
      const { raw } = c.req;
      refuseEncodings(raw.headers);
      const object = await services.of(c).objects.put(caller, bucket, key, {
        body: raw.body ?? EMPTY,
        contentType: parseContentType(c.req.header('Content-Type')),
        length: parseLength(c.req.header('Content-Length')),
        preconditions: parsePreconditions(raw.headers),
        signal: raw.signal,
      });
      c.header('ETag', entityTag(object));
      return c.json(objectJson(bucket, object));
    }),
  );

  // Hono answers HEAD by this route too.
  routes.get(PATH, (c) => {
    const { objects } = services.of(c);
    return c.req.method === 'HEAD' ? head(c, objects, metrics) : download(c, objects, metrics);
  });

  routes.delete(PATH, (c) =>
    observed(metrics, 'delete', async () => {
      const caller = requireKnown(principalOf(c));
      const { bucket, key } = addressOf(c);
      await services.of(c).objects.delete(caller, bucket, key, parsePreconditions(c.req.raw.headers));
      return c.body(null, 204);
    }),
  );
  describeObjectRoutes(routes);
}

function head(c: Context<ReactorEnv>, objects: Objects, metrics: StorageMetrics): Promise<Response> {
  return observed(metrics, 'head', async () => {
    const { bucket, key } = addressOf(c);
    const object = await objects.find(principalOf(c), bucket, key);
    requestOf(c).ownHeaders = true;
    if (isNotModified(c, object)) return notModified(object);
    return new Response(null, { headers: { ...objectHeaders(object), 'Content-Length': String(object.sizeBytes) } });
  });
}

async function download(c: Context<ReactorEnv>, objects: Objects, metrics: StorageMetrics): Promise<Response> {
  const signal = signalOfRequest(c);
  const onEnd = (end: DownloadEnd) => {
    metrics.operation('get', end.result === 'ok' && signal.aborted ? 'aborted' : end.result);
    if (end.result === 'failed') requestOf(c).logger.error('download failed', { error: end.error });
  };
  try {
    const { bucket, key } = addressOf(c);
    let lostBlob: string | undefined;
    for (;;) {
      const object = await objects.find(principalOf(c), bucket, key);
      requestOf(c).ownHeaders = true;
      if (isNotModified(c, object)) {
        metrics.operation('get', 'ok');
        return notModified(object);
      }
      if (object.blobKey === lostBlob) throw blobMissing(object);
      const range = rangeOf(c, object);
      const body = await objects.open(object, range, onEnd);
      if (body !== undefined) return answer(object, body, range);
      // Replaced between the row and the file, and the old file swept: the row knows the new one. Else it is lost.
      lostBlob = object.blobKey;
    }
  } catch (error) {
    metrics.operation('get', resultOf(error));
    throw error;
  }
}

function answer(
  object: Found,
  body: BlobContent['body'],
  range: { readonly start: number; readonly end: number } | undefined,
): Response {
  const headers = objectHeaders(object);
  if (range === undefined) {
    return new Response(body, { headers: { ...headers, 'Content-Length': String(object.sizeBytes) } });
  }
  const { start, end } = range;
  return new Response(body, {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(end - start + 1),
      'Content-Range': `bytes ${start}-${end}/${object.sizeBytes}`,
    },
  });
}

function objectHeaders(object: Found): Record<string, string> {
  return {
    'Content-Type': object.contentType,
    ...contentGuards(object.contentType, object.isPublic),
    'Accept-Ranges': 'bytes',
    ...validators(object),
  };
}

/** May be kept, and must be asked about each time: an object can be replaced or made private at any moment. */
function validators(object: Found): Record<string, string> {
  return { ETag: entityTag(object), 'Cache-Control': object.isPublic ? 'public, no-cache' : 'private, no-cache' };
}

function notModified(object: Found): Response {
  const headers = { ...contentGuards(object.contentType, object.isPublic), ...validators(object) };
  return new Response(null, { status: 304, headers });
}

/** @throws ReactorError `precondition_failed` (412) when `If-Match` does not hold */
function isNotModified(c: Context<ReactorEnv>, object: StoredObject): boolean {
  const preconditions = parsePreconditions(c.req.raw.headers);
  if (!matchesIfMatch(preconditions, entityTag(object))) throw preconditionFailed('If-Match');
  // A copy that a browser kept has the headers of its day: one of a type that is not accepted any more is replaced.
  return isContentType(object.contentType) && !matchesIfNoneMatch(preconditions, entityTag(object));
}

/** @throws ReactorError `range_not_satisfiable` (416) */
function rangeOf(c: Context<ReactorEnv>, object: StoredObject) {
  const ifRange = c.req.header('If-Range');
  // The part the client has is of another version: it gets all of this one.
  if (ifRange !== undefined && ifRange !== entityTag(object)) return undefined;
  const range = parseRange(c.req.header('Range'), object.sizeBytes);
  if (range !== 'unsatisfiable') return range;
  throw blobErrors.create.range_not_satisfiable(`The object has ${object.sizeBytes} bytes.`, {
    headers: { 'Content-Range': `bytes */${object.sizeBytes}` },
  });
}

function blobMissing(object: StoredObject) {
  return storageErrors.create.blob_missing('The bytes of this object are missing in the blob store.', {
    cause: new Error(`no blob ${object.blobKey} for object ${object.id}`),
  });
}

/** @throws ReactorError `invalid_request` (400) for a key of another form */
function addressOf(c: Context<ReactorEnv>): { readonly bucket: string; readonly key: string } {
  // Hono leaves what it cannot decode as it is, and two paths would name one key.
  try {
    decodeURIComponent(new URL(c.req.url).pathname);
  } catch {
    throw coreErrors.create.invalid_request('The path must be percent-encoded UTF-8.');
  }
  const key = c.req.param('key') ?? '';
  assertObjectKey(key);
  return { bucket: c.req.param('bucket') ?? '', key };
}

/** What would be stored is not what the client means by it. */
function refuseEncodings(headers: Headers): void {
  const encoding = headers.get('Content-Encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw coreErrors.create.unsupported_media_type('Content-Encoding is not accepted; send the bytes to be stored.');
  }
  if (headers.has('Content-Range')) {
    throw coreErrors.create.invalid_request('Content-Range is not accepted; an upload replaces the whole object.');
  }
}

/** @throws ReactorError `invalid_request` (400) */
function parseLength(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (!/^\d+$/.test(header)) throw coreErrors.create.invalid_request('Content-Length must be a number of bytes.');
  return Number(header);
}

const EMPTY: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};
