import { AGGREGATES, type Aggregate, type ColumnItem, type SelectItem } from './ast.js';
import type { Budget } from './budget.js';
import { type Name, parseName, parsePath } from './field.js';
import { Level } from './level.js';
import type { Scanner } from './scanner.js';

/** `a,b:c->>k::text,rel!inner(*),...other(d),amount.sum()`: the items of `level`, until what cannot continue them. */
export function parseSelect(scanner: Scanner, budget: Budget, level: Level, depth = 0): void {
  do {
    budget.spendTerm();
    const start = scanner.position;
    level.add(parseItem(scanner, budget, depth), () =>
      scanner.fail('an alias, because another resource here has the same name', start),
    );
  } while (scanner.accept(','));
}

function parseItem(scanner: Scanner, budget: Budget, depth: number): SelectItem {
  scanner.match(/ +/y);
  if (scanner.accept('...')) {
    const target = parseName(scanner, 'a relation');
    return parseEmbed(scanner, budget, depth, target, undefined, true);
  }
  if (scanner.accept('*')) {
    scanner.match(/ +/y);
    return { kind: 'all' };
  }
  let name = parseName(scanner, 'a column, a relation or *');
  let alias: string | undefined;
  if (scanner.sees(':') && !scanner.sees('::')) {
    scanner.expect(':');
    alias = name.text;
    name = parseName(scanner, 'a column or a relation');
  }
  if (!name.quoted && name.text === 'count' && scanner.accept('()')) {
    return { kind: 'count', ...optional('alias', alias), ...optional('cast', parseCast(scanner)) };
  }
  if (scanner.sees('(') || scanner.sees('!')) return parseEmbed(scanner, budget, depth, name, alias, false);
  return parseColumn(scanner, name, alias);
}

function parseColumn(scanner: Scanner, name: Name, alias: string | undefined): ColumnItem {
  const field = { column: name.text, path: parsePath(scanner) };
  const cast = parseCast(scanner);
  const aggregate = parseAggregate(scanner);
  return {
    kind: 'column',
    field,
    ...optional('cast', cast),
    ...optional('aggregate', aggregate),
    ...optional('alias', alias),
  };
}

function parseAggregate(scanner: Scanner): Aggregate | undefined {
  if (!scanner.accept('.')) return undefined;
  const name = AGGREGATES.find((known) => scanner.accept(`${known}()`));
  if (name === undefined) return scanner.fail(`one of ${AGGREGATES.map((known) => `${known}()`).join(', ')}`);
  return { function: name, ...optional('cast', parseCast(scanner)) };
}

function parseCast(scanner: Scanner): string | undefined {
  if (!scanner.accept('::')) return undefined;
  const name = parseName(scanner, 'a type').text;
  return scanner.accept('[]') ? `${name}[]` : name;
}

function parseEmbed(
  scanner: Scanner,
  budget: Budget,
  depth: number,
  target: Name,
  alias: string | undefined,
  spread: boolean,
): SelectItem {
  budget.checkEmbedDepth(depth + 1);
  budget.spendEmbed();
  let hint: string | undefined;
  let join: 'inner' | 'left' | undefined;
  while (scanner.sees('!')) {
    const start = scanner.position;
    scanner.expect('!');
    const modifier = parseName(scanner, 'inner, left or a hint');
    if (!modifier.quoted && (modifier.text === 'inner' || modifier.text === 'left') && join === undefined) {
      join = modifier.text;
    } else if (hint === undefined) hint = modifier.text;
    else scanner.fail('no more than one hint and one of inner and left', start);
  }
  scanner.expect('(');
  const query = new Level();
  scanner.match(/ +/y);
  if (!scanner.accept(')')) {
    parseSelect(scanner, budget, query, depth + 1);
    scanner.expect(')');
  }
  scanner.match(/ +/y);
  return {
    kind: 'embed',
    target: target.text,
    ...optional('hint', hint),
    join: join ?? 'left',
    spread,
    ...optional('alias', alias),
    query,
  };
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: Value });
}
