import type { Field, TypeFacts } from './facts.js';
import { arrayType, member, objectType, stringLiteral, unionType } from './syntax.js';

/** What PostgreSQL writes into JSON as something else than text, by SQL name. */
const NOT_TEXT: ReadonlyMap<string, string> = new Map([
  ['smallint', 'number'],
  ['integer', 'number'],
  ['bigint', 'number'],
  ['real', 'number'],
  ['double precision', 'number'],
  ['numeric', 'number'],
  ['boolean', 'boolean'],
  ['json', 'Json'],
  ['jsonb', 'Json'],
]);

/** How a type of the exposed schema is named elsewhere in the document. */
export type Reference = (section: 'Enums' | 'CompositeTypes', name: string) => string;

/** The TypeScript type of values of SQL types in JSON. */
export class ValueTypes {
  readonly #facts: TypeFacts;
  readonly #reference: Reference;

  constructor(facts: TypeFacts, reference: Reference) {
    this.#facts = facts;
    this.#reference = reference;
  }

  /** @param sql as `format_type` prints it, with or without a modifier: `numeric(6,2)[]` */
  of(sql: string): string {
    if (sql.endsWith('[]')) return arrayType(this.of(sql.slice(0, -2)));
    // A quoted name may hold parentheses, but does not end with one.
    const name = sql.replace(/\([^()]*\)$/, '');
    const declared = this.#facts.types.get(name);
    switch (declared?.kind) {
      case undefined:
        return NOT_TEXT.get(name) ?? 'string';
      case 'json':
        return 'Json';
      case 'domain':
        return this.of(declared.base);
      case 'enum':
        return declared.name === undefined ? enumType(declared.labels) : this.#reference('Enums', declared.name);
      case 'composite':
        return declared.name === undefined
          ? this.composite(declared.fields)
          : this.#reference('CompositeTypes', declared.name);
    }
  }

  /** PostgreSQL lets every field of a composite value be null. */
  composite(fields: readonly Field[]): string {
    return objectType(fields.map(({ name, type }) => member(name, orNull(this.of(type)))));
  }
}

export function enumType(labels: readonly string[]): string {
  return unionType(labels.map(stringLiteral));
}

export function orNull(type: string): string {
  return `${type} | null`;
}
