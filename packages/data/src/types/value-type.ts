import type { DeclaredType, Field, TypeFacts } from './facts.js';
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

/**
 * Fields of composite types without a name that one document writes out; `Json` stands for what is left. They contain
 * each other, and thirty of two fields each would be a text of a billion.
 */
const MAX_FIELDS = 20_000;

/** The TypeScript type of values of SQL types in JSON. */
export class ValueTypes {
  readonly #facts: TypeFacts;
  readonly #reference: Reference;
  #fieldsLeft = MAX_FIELDS;

  constructor(facts: TypeFacts, reference: Reference) {
    this.#facts = facts;
    this.#reference = reference;
  }

  /** @param sql as `format_type` prints it, with or without a modifier: `numeric(6,2)[]` */
  of(sql: string): string {
    const { suffix, name, declared } = this.#resolve(sql);
    return suffix.reduce((type) => arrayType(type), this.#named(name, declared));
  }

  /** What lies below domains, of which each may stand on another, and the arrays on the way. */
  #resolve(sql: string) {
    const suffix: string[] = [];
    const passed = new Set<string>();
    let rest = sql;
    for (;;) {
      for (; rest.endsWith('[]'); rest = rest.slice(0, -2)) suffix.push('[]');
      // A quoted name may hold parentheses, but does not end with one.
      const name = rest.replace(/\([^()]*\)$/, '');
      const declared = this.#facts.types.get(name);
      if (declared?.kind !== 'domain' || passed.has(name)) return { suffix, name, declared };
      passed.add(name);
      rest = declared.base;
    }
  }

  #named(name: string, declared: DeclaredType | undefined): string {
    switch (declared?.kind) {
      case undefined:
        return NOT_TEXT.get(name) ?? 'string';
      case 'json':
        return 'Json';
      // Of itself.
      case 'domain':
        return 'unknown';
      case 'enum':
        return declared.name === undefined ? enumType(declared.labels) : this.#reference('Enums', declared.name);
      case 'composite':
        if (declared.name !== undefined) return this.#reference('CompositeTypes', declared.name);
        if (declared.fields.length > this.#fieldsLeft) return 'Json';
        this.#fieldsLeft -= declared.fields.length;
        return this.composite(declared.fields);
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
