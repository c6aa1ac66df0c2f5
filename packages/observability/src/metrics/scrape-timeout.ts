/** Prometheus' own default is 10 s; a scraper that sends nothing is most likely a person with curl. */
const DEFAULT_TIMEOUT_MS = 2000;
/** No caller may hold collectors longer than this. */
const MAX_TIMEOUT_MS = 30_000;
/** Left for rendering and the way back. */
const MARGIN_MS = 500;

/**
 * Milliseconds each collector may take.
 * @param header `X-Prometheus-Scrape-Timeout-Seconds`, a decimal number; anything else counts as absent
 */
export function collectorTimeoutMs(header: string | undefined): number {
  if (header === undefined || !/^\d+(\.\d+)?$/.test(header)) return DEFAULT_TIMEOUT_MS;
  const scrapeMs = Math.min(Number(header) * 1000, MAX_TIMEOUT_MS);
  if (scrapeMs === 0) return DEFAULT_TIMEOUT_MS;
  return Math.max(scrapeMs - MARGIN_MS, scrapeMs / 2);
}
