/** How large one request's query may be. Each bound is inclusive. */
export interface QueryLimits {
  /** Characters of all names and values together, after percent-decoding. */
  readonly maxLength: number;
  /** Levels of embedded relations below the root. */
  readonly maxEmbedDepth: number;
  /** Embedded relations, and order terms that sort by one, at all levels together. */
  readonly maxEmbeds: number;
  /** Levels of `and`/`or` groups within each other. */
  readonly maxGroupDepth: number;
  /** Selected items, conditions and order terms together, at all levels. */
  readonly maxTerms: number;
}

/**
 * The length is what a POST may still need where a proxy's 8 kB would end a GET; 1000 terms keep the statement far below
 * PostgreSQL's 65 535 parameters and its 1664 output columns. Each embed may be a join, and planning takes the cube of
 * their number: 0.2 s for 32, 3 s for 100.
 */
export const defaultQueryLimits: QueryLimits = {
  maxLength: 65_536,
  maxEmbedDepth: 5,
  maxEmbeds: 32,
  maxGroupDepth: 10,
  maxTerms: 1000,
};
