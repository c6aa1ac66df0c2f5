/** Characters of a statement that are shown: enough to recognise it. */
const MAX_LENGTH = 100;

/** Comments, strings, dollar quotes, quoted names, and numbers that are neither a parameter nor part of a name. */
const PART =
  /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(e'(?:\\[\s\S]|''|[^'\\])*'?)|('(?:''|[^'])*'?)|(\$([a-z_]\w*)?\$[\s\S]*?(?:\$\5\$|$))|("[^"]*"?)|((?<![\w$])\d[\w.]*)/gi;

/**
 * A statement as the operator may see it: on one line, without comments, each literal as `?`, cut to 100 characters.
 * Nothing is left of what follows a string with a backslash: only the session knows where it ends.
 */
export function shortQuery(text: string): string {
  let isUncertain = false;
  const shown = text.replace(PART, (part, comment, _escaped, plain, _dollar, _tag, name) => {
    if (isUncertain || comment !== undefined) return ' ';
    if (name !== undefined) return part;
    if (plain !== undefined && part.includes('\\')) isUncertain = true;
    return isUncertain ? '\0' : '?';
  });
  const end = shown.indexOf('\0');
  const line = (end < 0 ? shown : `${shown.slice(0, end)}? …`).replace(/\s+/g, ' ').trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}
