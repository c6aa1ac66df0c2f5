import type { BlobRange } from '@reactor/core';

/**
 * Which part of `size` bytes a `Range` header asks for (RFC 9110 §14.1). Undefined means all of it: several ranges,
 * other units and what cannot be read may be ignored, and are; a range that ends before it begins must be.
 */
export function parseRange(header: string | undefined, size: number): BlobRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header ?? '');
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Number(last);
    // The last bytes of nothing are nothing, which Content-Range has no form for.
    if (length > 0 && size === 0) return undefined;
    return length === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? Number.POSITIVE_INFINITY : Number(last);
  if (end < start) return undefined;
  return start >= size ? 'unsatisfiable' : { start, end: Math.min(end, size - 1) };
}
