let lastMs = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562 §5.7), lower case with hyphens: sorts by the time of its making, also within one millisecond of
 * this process (the 12 bits of `rand_a` count up, method 1 of §6.2).
 */
export function uuidv7(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const view = new DataView(bytes.buffer);
  if (now > lastMs) {
    lastMs = now;
    // Half the space is left for counting within the millisecond.
    sequence = view.getUint16(6) & 0x7ff;
  } else {
    sequence += 1;
    if (sequence > 0xfff) {
      lastMs += 1;
      sequence = 0;
    }
  }
  view.setUint16(0, Math.floor(lastMs / 2 ** 32));
  view.setUint32(2, lastMs >>> 0);
  view.setUint16(6, 0x7000 | sequence);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
