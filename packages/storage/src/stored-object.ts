/** One version of an object: its bytes are an immutable blob, which the next version replaces by another. */
export interface StoredObject {
  /** UUIDv7; the same for all versions. */
  readonly id: string;
  readonly key: string;
  readonly blobKey: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** The user who created it, null for the operator. */
  readonly ownerId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
