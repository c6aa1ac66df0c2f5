import { coreErrors, ReactorError } from '@reactor/core';
import { dataError } from '../errors.js';
import { csvToJson } from './csv.js';

const READABLE = ['application/json', 'text/csv', 'application/x-www-form-urlencoded'];

/**
 * The body of a write or a call as the text of JSON, empty when there is none. JSON is passed on as it is; rows of CSV
 * become an array, a form becomes an object.
 * @throws ReactorError `payload_too_large` (413), `unsupported_media_type` (415); DataError `invalid_body` (400)
 */
export async function readJsonText(request: Request, maxBytes: number): Promise<string> {
  const encoding = request.headers.get('Content-Encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw coreErrors.create.unsupported_media_type('Content-Encoding is not accepted; send the body as it is.');
  }
  const type = mediaTypeOf(request.headers.get('Content-Type'));
  if (!READABLE.includes(type)) {
    throw coreErrors.create.unsupported_media_type(`The body must be one of ${READABLE.join(', ')}.`);
  }
  const text = decode(await readBytes(request, maxBytes));
  if (text.trim() === '') return '';
  if (type === 'text/csv') return csvToJson(text);
  if (type === 'application/json') return text;
  return JSON.stringify(Object.fromEntries(new URLSearchParams(text)));
}

function mediaTypeOf(header: string | null): string {
  const type = (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/vnd.pgrst.object+json' || type === 'application/vnd.pgrst.array+json') {
    return 'application/json';
  }
  return type;
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () => coreErrors.create.payload_too_large(`The body must have at most ${maxBytes} bytes.`);
  if (Number(request.headers.get('Content-Length') ?? 0) > maxBytes) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.body) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof ReactorError) throw error;
    throw dataError('invalid_body', 'The body ended before it was complete.', { code: 'PGRST102' }, { cause: error });
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw dataError('invalid_body', 'The body is not valid UTF-8.', { code: 'PGRST102' });
  }
}
