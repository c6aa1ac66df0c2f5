/** By name, in lower case. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/** For every answer: no browser takes it for another type than it says. */
export const NO_SNIFFING: AnswerHeaders = { 'x-content-type-options': 'nosniff' };

/** One year, the least that browsers' preload lists accept. */
const STRICT_TRANSPORT_SECONDS = 31_536_000;

/**
 * What every answer carries that Reactor itself gives (JSON, metrics, errors): a browser that is led there runs nothing
 * of it, shows it in no frame, and gives it to no page of another origin. Pages whose origin `server.cors` allows read it
 * all the same: requests with CORS are not subject to `Cross-Origin-Resource-Policy`.
 * @param publicUrl where clients reach the server; with `https:`, browsers keep to that from then on
 */
export function createAnswerHeaders(publicUrl?: string): AnswerHeaders {
  return {
    ...NO_SNIFFING,
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    ...(/^https:/i.test(publicUrl ?? '') ? { 'strict-transport-security': `max-age=${STRICT_TRANSPORT_SECONDS}` } : {}),
  };
}
