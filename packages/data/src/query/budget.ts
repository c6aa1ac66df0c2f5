import type { QueryLimits } from './limits.js';
import { QueryError } from './query-error.js';
import { quoted } from './scanner.js';

/** @throws QueryError PGRST100 */
function refuse(what: string, limit: number): never {
  throw new QueryError('invalid_query', 'PGRST100', `the query ${what}; at most ${limit} are accepted`);
}

/** Keeps one request within its limits. */
export class Budget {
  readonly #limits: QueryLimits;
  #characters = 0;
  #terms = 0;
  #embeds = 0;

  constructor(limits: QueryLimits) {
    this.#limits = limits;
  }

  /** Counts a parameter's text. PostgreSQL has no NUL in text, so it can't mean anything. */
  spendText(name: string, value: string): void {
    this.#characters += name.length + value.length;
    if (this.#characters > this.#limits.maxLength) refuse('has too many characters', this.#limits.maxLength);
    if (name.includes('\0') || value.includes('\0')) {
      throw new QueryError(
        'invalid_query',
        'PGRST100',
        `${quoted(name)} has a NUL character, which a text must not contain`,
      );
    }
  }

  /** Counts a selected item, a condition or an order term. */
  spendTerm(): void {
    this.#terms += 1;
    if (this.#terms > this.#limits.maxTerms) refuse('has too many terms', this.#limits.maxTerms);
  }

  /** Counts an embedded relation, or an order term that sorts by one. */
  spendEmbed(): void {
    this.#embeds += 1;
    if (this.#embeds > this.#limits.maxEmbeds) refuse('embeds too much', this.#limits.maxEmbeds);
  }

  checkEmbedDepth(depth: number): void {
    if (depth > this.#limits.maxEmbedDepth) refuse('embeds too many levels', this.#limits.maxEmbedDepth);
  }

  checkGroupDepth(depth: number): void {
    if (depth > this.#limits.maxGroupDepth) refuse('nests too many groups', this.#limits.maxGroupDepth);
  }
}
