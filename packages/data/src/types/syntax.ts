/** TypeScript as text. Every name, label and comment comes from the database and may be anything. */

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** What TypeScript takes for the end of a line, and what makes text look different from what it says. */
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A string literal. */
export function stringLiteral(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export interface MemberOptions {
  readonly optional?: boolean;
  readonly comment?: string | undefined;
}

/** One member of an object type. */
export function member(name: string, type: string, { optional = false, comment }: MemberOptions = {}): string {
  const key = IDENTIFIER.test(name) ? name : stringLiteral(name);
  return `${docComment(comment)}${key}${optional ? '?' : ''}: ${type};`;
}

/** An object type of `members`, one a line; a mapped type over nothing when there are none, which admits no key. */
export function objectType(members: readonly string[]): string {
  if (members.length === 0) return '{ [_ in never]: never }';
  return `{\n  ${members.join('\n').replaceAll('\n', '\n  ')}\n}`;
}

export function unionType(types: readonly string[]): string {
  return types.length === 0 ? 'never' : types.join(' | ');
}

export function arrayType(element: string): string {
  const isOne = /^[\w."[\]]+$/.test(element) || (element.startsWith('{') && element.endsWith('}'));
  return isOne ? `${element}[]` : `(${element})[]`;
}

/** The last line is never text: `@ts-ignore` there would be an order to the compiler. */
function docComment(text: string | undefined): string {
  if (text === undefined) return '';
  const lines = text.replaceAll('*/', '*\\/').split(/\r\n|[\n\r\u2028\u2029]/);
  return `/**\n${lines.map((line) => ` * ${line.replace(INVISIBLE, ' ')}`.trimEnd()).join('\n')}\n */\n`;
}
