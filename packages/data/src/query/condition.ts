import {
  COMPARISONS,
  type Comparison,
  type Condition,
  type Field,
  IS_VALUES,
  type IsValue,
  QUANTIFIABLE,
  TEXT_SEARCHES,
  type TextSearch,
} from './ast.js';
import type { Budget } from './budget.js';
import { parseField } from './field.js';
import type { Scanner } from './scanner.js';

const OPERATORS = [...COMPARISONS, 'in', 'is', ...TEXT_SEARCHES].join(', ');

const isComparison = (word: string): word is Comparison => (COMPARISONS as readonly string[]).includes(word);
const isTextSearch = (word: string): word is TextSearch => (TEXT_SEARCHES as readonly string[]).includes(word);

/**
 * `fts.plain:q` and `fts.english:plain:q`, as Reactor's own clients write `plfts.q` and `plfts(english).q`. What follows
 * `plain:` may also be the weights of a lexeme in the language of `to_tsquery`; those stay what they are.
 */
const SPELLED_SEARCH =
  /(?:plain|phrase|websearch):(?![a-dA-D*]+(?:[\s&|<()!]|$))|[A-Za-z_][\w.]*:(?:plain|phrase|websearch):/y;
const SPELLED = { plain: 'plfts', phrase: 'phfts', websearch: 'wfts' } as const satisfies Record<string, TextSearch>;

/** PostgreSQL takes a number, or a dash, for an oid: there need not be such a thing, and then it fails inside. */
const CONFIGURATION = /[\p{L}_][\p{L}\p{N}_.-]*/uy;

/** Where an operand ends: with the parameter, or at the comma or parenthesis of the group around it. */
type Ending = 'parameter' | 'group';

/** `not.eq.value` after its field; as a parameter's whole value, or inside a group. */
export function parseFilter(scanner: Scanner, budget: Budget, field: Field, ending: Ending): Condition {
  budget.spendTerm();
  const negated = scanner.accept('not.');
  const start = scanner.position;
  const word = scanner.match(/[a-z]+/y) ?? '';
  if (word === 'in') {
    scanner.expect('.');
    return { kind: 'in', field, negated, values: parseList(scanner) };
  }
  if (word === 'is') {
    scanner.expect('.');
    return { kind: 'is', field, negated, value: parseIsValue(scanner) };
  }
  if (isTextSearch(word)) {
    const { operator, language } = parseTextSearch(scanner, word);
    const operand = parseOperand(scanner, ending);
    const base = { kind: 'text search', field, negated, operator, operand } as const;
    return language === undefined ? base : { ...base, language };
  }
  if (isComparison(word)) {
    const quantifier = QUANTIFIABLE.has(word) ? parseModifier(scanner, /any|all/y, 'any or all') : undefined;
    scanner.expect('.');
    const operand = parseOperand(scanner, ending);
    const base = { kind: 'comparison', field, negated, operator: word, operand } as const;
    return quantifier === 'any' || quantifier === 'all' ? { ...base, quantifier } : base;
  }
  return scanner.fail(`an operator (${OPERATORS})`, start);
}

/** `(a.eq.1,or(b.gt.2,c.is.null))` after `and`, `or` */
export function parseGroup(
  scanner: Scanner,
  budget: Budget,
  operator: 'and' | 'or',
  negated: boolean,
  depth = 1,
): Condition {
  budget.checkGroupDepth(depth);
  scanner.expect('(');
  const conditions: Condition[] = [];
  do {
    scanner.match(/ +/y);
    const group = scanner.match(/(?:not\.)?(?:and|or)(?=\()/y);
    if (group === undefined) {
      const field = parseField(scanner);
      scanner.expect('.');
      conditions.push(parseFilter(scanner, budget, field, 'group'));
    } else {
      conditions.push(
        parseGroup(scanner, budget, group.endsWith('and') ? 'and' : 'or', group.startsWith('not'), depth + 1),
      );
    }
    scanner.match(/ +/y);
  } while (scanner.accept(','));
  scanner.expect(')');
  return { kind: 'group', operator, negated, conditions };
}

/** What follows the operator: `(english).`, `.`, or the longer spelling. */
function parseTextSearch(scanner: Scanner, word: TextSearch): { operator: TextSearch; language: string | undefined } {
  const language = parseModifier(scanner, CONFIGURATION, 'a text search configuration');
  scanner.expect('.');
  const spelled = word === 'fts' && language === undefined ? scanner.match(SPELLED_SEARCH) : undefined;
  if (spelled === undefined) return { operator: word, language };
  const [type, config] = spelled.slice(0, -1).split(':').reverse();
  return { operator: SPELLED[type as keyof typeof SPELLED], language: config };
}

function parseModifier(scanner: Scanner, pattern: RegExp, expected: string): string | undefined {
  if (!scanner.accept('(')) return undefined;
  const word = scanner.match(pattern) ?? scanner.fail(expected);
  scanner.expect(')');
  return word;
}

function parseIsValue(scanner: Scanner): IsValue {
  const start = scanner.position;
  const word = scanner.match(/[a-z_]+/iy)?.toLowerCase();
  return IS_VALUES.find((value) => value === word) ?? scanner.fail(`one of ${IS_VALUES.join(', ')}`, start);
}

/** `(a,"b,c")` */
function parseList(scanner: Scanner): string[] {
  scanner.expect('(');
  const values: string[] = [];
  if (scanner.accept(')')) return values;
  do values.push(scanner.accept('"') ? scanner.quotedText() : (scanner.match(/[^,)]+/y) ?? ''));
  while (scanner.accept(','));
  scanner.expect(')');
  return values;
}

function parseOperand(scanner: Scanner, ending: Ending): string {
  if (ending === 'parameter') return scanner.rest();
  if (scanner.accept('"')) return scanner.quotedText();
  if (scanner.sees('{')) return parseBraces(scanner);
  return scanner.match(/[^,)]+/y) ?? '';
}

/** An array or JSON literal in a group: up to the brace that closes the first one, quoted parts skipped. */
function parseBraces(scanner: Scanner): string {
  let text = '';
  let depth = 0;
  do {
    const part = scanner.match(/\{|\}|"(?:[^"\\]|\\[\s\S])*"|[^{}"]+/y) ?? scanner.fail('a closing }');
    if (part === '{') depth += 1;
    if (part === '}') depth -= 1;
    text += part;
  } while (depth > 0);
  return text;
}
