import { coreErrors } from '@reactor/core';

/** What nobody should interpret. */
const DEFAULT_CONTENT_TYPE = 'application/octet-stream';
const MAX_LENGTH = 255;

/** Names of types as they are registered (RFC 6838 §4.2): a token of HTTP without `*`, which would be a range of types. */
const NAME = /^[A-Za-z0-9!#$&^_.+-]+$/;
/** RFC 9110 §5.6.2 and §5.6.4, without the bytes beyond ASCII. */
const TOKEN = /[A-Za-z0-9!#$%&'*+.^_`|~-]+/.source;
const QUOTED = /"(?:[\t !#-[\]-~]|\\[\t -~])*"/.source;
/** One parameter (RFC 9110 §5.6.6), which may be empty. */
const PARAMETER = new RegExp(`[ \\t]*;[ \\t]*(?:${TOKEN}=(?:${TOKEN}|${QUOTED}))?`, 'y');

/**
 * The media type to keep with an upload: one type, which every reader takes for the same. Browsers split a list at its
 * commas and believe the last type in it.
 * @throws ReactorError `invalid_request` (400) that says what is wrong
 */
export function parseContentType(header: string | undefined): string {
  if (header === undefined || header === '') return DEFAULT_CONTENT_TYPE;
  const problem = problemOf(header);
  if (problem === undefined) return header;
  throw coreErrors.create.invalid_request(
    `Content-Type ${problem}. It must be one media type, such as image/png or text/plain; charset=utf-8.`,
  );
}

/** Whether this is a media type as `parseContentType` takes it: what an older release stored may not be one. */
export function isContentType(value: string): boolean {
  return problemOf(value) === undefined;
}

function problemOf(header: string): string | undefined {
  if (header.length > MAX_LENGTH) return `has more than ${MAX_LENGTH} characters`;
  const end = header.search(/[ \t;]|$/);
  const [type = '', subtype = '', ...rest] = header.slice(0, end).split('/');
  if (header.slice(0, end).includes(',')) return 'names more than one type';
  if (!NAME.test(type) || !NAME.test(subtype) || rest.length > 0) {
    return `begins with ${JSON.stringify(header.slice(0, end))}, which is not type/subtype`;
  }
  let at = end;
  for (let next = parameterEnd(header, at); next !== undefined; next = parameterEnd(header, at)) at = next;
  const left = header.slice(at).trim();
  if (left === '') return undefined;
  if (left.startsWith(',')) return 'names more than one type';
  return `has ${JSON.stringify(left)} where only a parameter such as charset=utf-8 may be`;
}

function parameterEnd(header: string, at: number): number | undefined {
  PARAMETER.lastIndex = at;
  return PARAMETER.test(header) ? PARAMETER.lastIndex : undefined;
}

/**
 * Headers that keep what users uploaded from acting in the name of this origin, wherever it is mounted. `sandbox` takes
 * scripts, forms and the origin from a page (SVG included), and has no effect on images, fonts or media inside of other
 * pages.
 * @param contentType as it is stored, by whichever release
 */
export function contentGuards(contentType: string, isPublic: boolean): Readonly<Record<string, string>> {
  return {
    'X-Content-Type-Options': 'nosniff',
    // Browsers refuse to show a sandboxed PDF at all, and run no script of it in this origin. Only the literal is sure to
    // be one: of `application/pdf, text/html` they make a page.
    ...(contentType === 'application/pdf' ? {} : { 'Content-Security-Policy': 'sandbox' }),
    // Private objects need a header that no element of a page sends, so there is nothing to embed.
    'Cross-Origin-Resource-Policy': isPublic ? 'cross-origin' : 'same-origin',
  };
}
