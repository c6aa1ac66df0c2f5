import { coreErrors, ReactorError } from '@reactor/core';
import { dataError } from '../errors.js';
import type { CallInput, WholeBody } from '../plan/index.js';
import { csvToJson } from './csv.js';

const FORM = 'application/x-www-form-urlencoded';
const ROWS = ['application/json', 'text/csv', FORM];

/** Types of a body that is one value, and the type that PostgreSQL reads it as. */
const WHOLE: Readonly<Record<string, WholeBody['type']>> = {
  'text/plain': 'text',
  'text/xml': 'xml',
  'application/xml': 'xml',
  'application/octet-stream': 'bytea',
};

/**
 * The body of a write as the text of JSON, empty when there is none. JSON is passed on as it is; rows of CSV become an
 * array, a form becomes an object.
 * @throws ReactorError `payload_too_large` (413), `unsupported_media_type` (415); DataError `invalid_body` (400)
 */
export async function readRows(request: Request, maxBytes: number): Promise<string> {
  const type = acceptedType(request.headers, ROWS);
  const text = decode(await readBytes(request, maxBytes));
  if (text.trim() === '') return '';
  return type === FORM ? JSON.stringify(Object.fromEntries(formRow(text))) : jsonText(type, text);
}

/**
 * The body of a call: the text of JSON, the fields of a form, or one value of another type for a function that takes it
 * whole.
 * @throws as `readRows`
 */
export async function readArguments(request: Request, maxBytes: number): Promise<CallInput> {
  const type = acceptedType(request.headers, [...ROWS, ...Object.keys(WHOLE)]);
  const bytes = await readBytes(request, maxBytes);
  if (bytes.byteLength === 0) return '{}';
  const whole = WHOLE[type];
  if (whole === 'bytea') return { type: whole, value: `\\x${Buffer.from(bytes).toString('hex')}` };
  const text = decode(bytes);
  if (whole !== undefined) return { type: whole, value: text };
  if (type === FORM) return formFields(text);
  return text.trim() === '' ? '{}' : jsonText(type, text);
}

function acceptedType(headers: Headers, accepted: readonly string[]): string {
  const encoding = headers.get('Content-Encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw coreErrors.create.unsupported_media_type('Content-Encoding is not accepted; send the body as it is.');
  }
  const type = mediaTypeOf(headers.get('Content-Type'));
  if (accepted.includes(type)) return type;
  throw coreErrors.create.unsupported_media_type(`The body must be one of ${accepted.join(', ')}.`);
}

function jsonText(type: string, text: string): string {
  return type === 'text/csv' ? csvToJson(text) : text;
}

function formFields(text: string): ReadonlyMap<string, readonly string[]> {
  const form = new URLSearchParams(text);
  return new Map(Array.from(form.keys(), (name) => [name, form.getAll(name)]));
}

/** A row has one value of each column. */
function formRow(text: string): [name: string, value: string][] {
  // What curl says of everything that is sent with -d.
  if (/^\s*[[{]/.test(text)) throw invalidForm('The body is not a form; for JSON send Content-Type: application/json.');
  return Array.from(formFields(text), ([name, [value = '', ...others]]) => {
    if (others.length === 0) return [name, value];
    throw invalidForm(`The form has the field ${JSON.stringify(name)} more than once.`);
  });
}

function invalidForm(message: string) {
  return dataError('invalid_body', message, { code: 'PGRST102' });
}

function mediaTypeOf(header: string | null): string {
  const type = (header ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/vnd.pgrst.object+json' || type === 'application/vnd.pgrst.array+json') {
    return 'application/json';
  }
  return type;
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const length = request.headers.get('Content-Length');
  if (Number(length ?? 0) > maxBytes) throw tooLarge(maxBytes);
  try {
    // HTTP itself enforces an announced length. The stream, which the adapter would have to make, costs a
    // small insert a fifth of its CPU time.
    const bytes = length === null ? await readStream(request.body, maxBytes) : await request.arrayBuffer();
    if (bytes.byteLength > maxBytes) throw tooLarge(maxBytes);
    return new Uint8Array(bytes);
  } catch (error) {
    if (error instanceof ReactorError) throw error;
    throw dataError('invalid_body', 'The body ended before it was complete.', { code: 'PGRST102' }, { cause: error });
  }
}

async function readStream(body: Request['body'], maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function tooLarge(maxBytes: number): ReactorError {
  return coreErrors.create.payload_too_large(`The body must have at most ${maxBytes} bytes.`);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw dataError('invalid_body', 'The body is not valid UTF-8.', { code: 'PGRST102' });
  }
}
