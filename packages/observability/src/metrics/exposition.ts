import type { ScrapedFamily } from './snapshot.js';

/** A wire format of the exposition. OpenMetrics would be a second value of this type, chosen by `Accept`. */
export interface ExpositionFormat {
  readonly contentType: string;
  /** The lines of one family, in pieces of bounded size so that the caller can pause between them. */
  family(family: ScrapedFamily): Iterable<string>;
  /** What ends the document. */
  readonly trailer: string;
}

/** Renders a snapshot, giving the event loop its turn whenever `breathe` finds it due. */
export async function renderExposition(
  families: readonly ScrapedFamily[],
  format: ExpositionFormat,
  breathe: () => Promise<void>,
): Promise<Buffer<ArrayBuffer>> {
  const pieces: Buffer[] = [];
  for (const family of families) {
    for (const text of format.family(family)) {
      pieces.push(Buffer.from(text));
      await breathe();
    }
  }
  pieces.push(Buffer.from(format.trailer));
  return Buffer.concat(pieces);
}
