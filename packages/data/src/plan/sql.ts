import type { Column, FunctionArgument } from '../schema/model.js';

/**
 * A piece of SQL. Only the functions of this file make one, so that no other string can become SQL by a slip: of a
 * request there are names that the model has, and parameters. As a string it is the SQL, for a statement or a message.
 */
class Fragment {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** @throws TypeError for what only the compiler was told is a fragment */
  static text(fragment: Fragment | undefined): string {
    return (fragment as Fragment).#text;
  }

  toString(): string {
    return this.#text;
  }
}

export type { Fragment };

/** SQL as it is written here, and fragments in it: sql`count(${expression})`. */
export function sql(constant: TemplateStringsArray, ...fragments: readonly Fragment[]): Fragment {
  let text = constant[0] as string;
  for (let index = 0; index < fragments.length; index += 1) {
    text += Fragment.text(fragments[index]) + (constant[index + 1] as string);
  }
  return new Fragment(text);
}

/** A name. Only for names of the model: a request's own words go into parameters. */
export function identifier(name: string): Fragment {
  return new Fragment(quote(name));
}

/** A name in what it belongs to: a column of a FROM item, a relation of a schema. */
export function member(owner: Fragment, name: string): Fragment {
  return new Fragment(`${Fragment.text(owner)}.${quote(name)}`);
}

function quote(name: string): string {
  return name.includes('"') ? `"${name.replaceAll('"', '""')}"` : `"${name}"`;
}

/** A name of the model as an SQL string. */
export function literal(name: string): Fragment {
  return new Fragment(`'${name.replaceAll("'", "''")}'`);
}

/** A whole number of ours, such as the place of a column. */
export function integer(value: number): Fragment {
  return new Fragment(String(value));
}

/** The placeholder of a value. @param place from 1 */
export function parameter(place: number): Fragment {
  return new Fragment(`$${place}`);
}

/** The type of a column or an argument, as PostgreSQL printed it. */
export function typeOf({ type }: Column | FunctionArgument): Fragment {
  return new Fragment(type);
}

/** What a column holds that no value is given for, as PostgreSQL printed it. */
export function defaultOf(column: Column): Fragment | undefined {
  return column.default === undefined ? undefined : new Fragment(column.default);
}

const SCHEMA_AND_NAME = /^(?:"(?:[^"]|"")*"|[^".]+)\.(?:"((?:[^"]|"")*)"|([^".[(]+))/;

/** The type of a column without modifier and brackets, and its bare name; undefined for a type of PostgreSQL's own. */
export function ownTypeOf({ type }: Column): { readonly name: string; readonly type: Fragment } | undefined {
  const match = SCHEMA_AND_NAME.exec(type);
  if (match === null) return undefined;
  return { name: match[1]?.replaceAll('""', '"') ?? match[2] ?? '', type: new Fragment(match[0]) };
}

/** An array in PostgreSQL's input syntax, whose elements are texts of any type: a value, not SQL. */
export function arrayLiteral(elements: readonly string[]): string {
  return `{${elements.map((element) => `"${element.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

type Separator = '' | ' ' | ', ' | ' AND ' | ' OR ';

/** Fragments one after another. */
export function join(fragments: readonly Fragment[], separator: Separator): Fragment {
  return new Fragment(fragments.map(Fragment.text).join(separator));
}

type Keyword = 'WHERE' | 'GROUP BY' | 'ORDER BY' | 'LIMIT' | 'OFFSET';

/** A space, the keyword and its items, or nothing when there are none. */
export function clause(keyword: Keyword, items: readonly Fragment[], separator: Separator): Fragment {
  return new Fragment(items.length === 0 ? '' : ` ${keyword} ${items.map(Fragment.text).join(separator)}`);
}
