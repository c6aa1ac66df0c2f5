import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy } from '@fastify/busboy';
import { coreErrors } from '@reactor/core';

/** In addition to the bundle, whose size its reader limits: one short field, with the headers that clients send. */
const LIMITS = { files: 1, fields: 1, parts: 2, fieldSize: 256, fieldNameSize: 100, headerPairs: 32, headerSize: 8192 };

const ACCEPTED = 'accepted are one part "bundle" with the tar.gz, and one field "sha256"';

/**
 * Streams a form through: no more of it is in memory than the reader of the bundle leaves waiting.
 * @param onBundle reads the bundle to its end; is called once at most. What it throws ends the form
 * @returns the fields, once the form was whole
 * @throws ReactorError `invalid_request` (400) for a form that is malformed, cut, or has other parts; what `onBundle` throws; an
 *   error of its own when `signal` aborts
 */
export async function readMultipart(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
  onBundle: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  signal: AbortSignal,
): Promise<{ readonly sha256: string | undefined }> {
  const parser = createParser(contentType);
  let sha256: string | undefined;
  let reading: Promise<void> = Promise.resolve();
  const refuse = (why: string) => parser.destroy(coreErrors.create.invalid_request(`The form ${why}; ${ACCEPTED}.`));
  parser.on('file', (_name, stream) => {
    reading = onBundle(stream).catch((error: Error) => {
      parser.destroy(error);
      throw error;
    });
    // It is awaited below; until then nobody hears of it.
    reading.catch(() => {});
    parser.once('close', () => stream.destroy());
  });
  parser.on('field', (name, value, nameTruncated, valueTruncated) => {
    if (name !== 'sha256' || nameTruncated) return refuse(`has a part ${JSON.stringify(name)}`);
    if (valueTruncated) return refuse('has a "sha256" that is too long');
    sha256 = value;
  });
  for (const event of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(event, () => refuse('has too many parts'));
  }
  try {
    await pipeline(Readable.from(body), parser, { signal });
  } catch (error) {
    parser.destroy();
    // Its error is this one, or follows from it.
    await reading.catch(() => {});
    throw explain(error);
  }
  await reading;
  return { sha256 };
}

function createParser(contentType: string) {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: LIMITS,
      // By its name: some clients send it without a file name.
      isPartAFile: (name) => name === 'bundle',
    });
  } catch (cause) {
    throw coreErrors.create.invalid_request('The Content-Type of a form needs a boundary.', { cause });
  }
}

/** The parser throws plain errors, we and the body throw others. */
function explain(error: unknown): unknown {
  const isOfParser =
    error instanceof Error && error.constructor === Error && (error as { code?: unknown }).code === undefined;
  if (!isOfParser) return error;
  return coreErrors.create.invalid_request(`The form is malformed or cut: ${error.message}.`, { cause: error });
}
