import type { ReactorEnv } from '@reactor/core';
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';

/** What the `route` label holds when no route matched. */
const UNMATCHED = 'unmatched';

/**
 * The pattern of the route that answered, e.g. `/jobs/v1/runs/:id`. Where a middleware answered in its place (401, 413),
 * the pattern of the handler behind it. Routes for every path do not stand in for one, so a site's catch-all, mounted
 * after everything else, does not take the label of all.
 */
export function routeLabel(c: Context<ReactorEnv>): string {
  if (c.get('unmatched')) return UNMATCHED;
  const matched = matchedRoutes(c);
  const answered = matched[c.req.routeIndex];
  if (answered === undefined) return UNMATCHED;
  // `use` and `all` register under ALL.
  if (answered.method !== 'ALL') return readable(answered.path);
  for (let i = c.req.routeIndex + 1; i < matched.length; i++) {
    const { method, path } = matched[i] as (typeof matched)[number];
    if (method !== 'ALL' && path !== '/*') return readable(path);
  }
  return readable(answered.path);
}

/** A pattern as a person would write it: `/object/:key` without the `{…}` that says what the key must match. */
function readable(pattern: string): string {
  if (!pattern.includes('{')) return pattern;
  let text = '';
  let depth = 0;
  for (const character of pattern) {
    if (character === '{') depth += 1;
    if (depth === 0) text += character;
    if (character === '}') depth -= 1;
  }
  return text;
}
