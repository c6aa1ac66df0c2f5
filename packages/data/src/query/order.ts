import type { OrderTerm } from './ast.js';
import type { Budget } from './budget.js';
import { parseField, parseName, parsePath } from './field.js';
import type { Scanner } from './scanner.js';

const NULLS = { nullsfirst: 'first', nullslast: 'last' } as const;

/** `a.desc.nullslast,b->>k,relation(c).asc` */
export function parseOrder(scanner: Scanner, budget: Budget): OrderTerm[] {
  const terms: OrderTerm[] = [];
  do {
    budget.spendTerm();
    const term = parseTerm(scanner);
    if (term.relation !== undefined) budget.spendEmbed();
    terms.push(term);
  } while (scanner.accept(','));
  scanner.expectEnd();
  return terms;
}

function parseTerm(scanner: Scanner): OrderTerm {
  const target = parseTarget(scanner);
  let direction: OrderTerm['direction'] | undefined;
  let nulls: OrderTerm['nulls'];
  while (scanner.accept('.')) {
    const start = scanner.position;
    const word = scanner.match(/[a-z]+/y);
    if (nulls === undefined && (word === 'nullsfirst' || word === 'nullslast')) nulls = NULLS[word];
    else if (direction === undefined && nulls === undefined && (word === 'asc' || word === 'desc')) direction = word;
    else scanner.fail('asc or desc, then nullsfirst or nullslast', start);
  }
  return { ...target, direction: direction ?? 'asc', ...(nulls === undefined ? {} : { nulls }) };
}

function parseTarget(scanner: Scanner): Pick<OrderTerm, 'relation' | 'field'> {
  const { text } = parseName(scanner, 'a column');
  if (!scanner.accept('(')) return { field: { column: text, path: parsePath(scanner) } };
  const field = parseField(scanner);
  scanner.expect(')');
  return { relation: text, field };
}
