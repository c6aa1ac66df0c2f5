import { coreErrors } from '@reactor/core';

/** What nobody should interpret. */
const DEFAULT_CONTENT_TYPE = 'application/octet-stream';
const MAX_LENGTH = 255;
const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+ *(?:;[\t -~]*)?$/;

/**
 * The media type to keep with an upload.
 * @throws ReactorError `invalid_request` (400)
 */
export function parseContentType(header: string | undefined): string {
  if (header === undefined || header === '') return DEFAULT_CONTENT_TYPE;
  if (header.length > MAX_LENGTH || !MEDIA_TYPE.test(header)) {
    throw coreErrors.create.invalid_request(
      `Content-Type must be a media type of at most ${MAX_LENGTH} characters: image/png, text/plain; charset=utf-8.`,
    );
  }
  return header;
}

/**
 * Headers that keep what users uploaded from acting in the name of this origin. `sandbox` takes scripts, forms and the
 * origin from a page (SVG included), and has no effect on images, fonts or media inside of other pages.
 */
export function contentGuards(contentType: string): Readonly<Record<string, string>> {
  const guards = { 'X-Content-Type-Options': 'nosniff' };
  // Browsers refuse to show a sandboxed PDF at all, and run no script of it in this origin.
  if (/^application\/pdf *(?:;|$)/i.test(contentType)) return guards;
  return { ...guards, 'Content-Security-Policy': 'sandbox' };
}
