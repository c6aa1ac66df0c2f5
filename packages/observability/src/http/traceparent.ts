const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The trace id of a W3C `traceparent` header (Trace Context, §3.2): 32 lower-case hex digits.
 * @returns undefined when the header is absent or not valid, which the specification says to treat alike
 */
export function traceIdFrom(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, version, traceId, parentId, , rest] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || version === 'ff') return undefined;
  // Later versions may append fields; version 00 has exactly four.
  if (version === '00' && rest !== undefined) return undefined;
  if (/^0+$/.test(traceId as string) || /^0+$/.test(parentId as string)) return undefined;
  return traceId;
}
