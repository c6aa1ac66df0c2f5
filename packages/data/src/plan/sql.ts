/** A name as SQL. Only for names of the model: a request's own words go into parameters. */
export function identifier(name: string): string {
  return name.includes('"') ? `"${name.replaceAll('"', '""')}"` : `"${name}"`;
}

/** A name of the model as an SQL string. */
export function literal(name: string): string {
  return `'${name.replaceAll("'", "''")}'`;
}

/** An array in PostgreSQL's input syntax, whose elements are texts of any type. */
export function arrayLiteral(elements: readonly string[]): string {
  return `{${elements.map((element) => `"${element.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}

/** The keyword and its items, or nothing when there are none. */
export function clause(keyword: string, items: readonly string[], separator: string): string {
  return items.length === 0 ? '' : ` ${keyword} ${items.join(separator)}`;
}
