import type { ReactorEnv } from '@reactor/core';
import type { Hono } from 'hono';
import type { ObservedRequest } from './observed-request.js';

/** What the `route` label holds when no route matched. */
const UNMATCHED = 'unmatched';
/** `use` and `all` register under it. */
const EVERY_METHOD = 'ALL';

type Matched = ReturnType<Hono<ReactorEnv>['router']['match']>[0];

/**
 * The pattern of a request's route, e.g. `/jobs/v1/runs/:id`, also where a middleware in front of it answered (401, 413).
 * Routes for every path do not stand in for one, so a site's catch-all, mounted after everything else, does not take the
 * label of all.
 */
export function routeLabels({ router }: Hono<ReactorEnv>): (request: ObservedRequest) => string {
  // The router answers a pattern with the same list each time.
  const known = new WeakMap<Matched, string>();
  return ({ method, path, unmatched }) => {
    if (unmatched) return UNMATCHED;
    const [matched] = router.match(method === 'HEAD' ? 'GET' : method, path);
    let label = known.get(matched);
    if (label === undefined) {
      label = labelOf(matched);
      known.set(matched, label);
    }
    return label;
  };
}

function labelOf(matched: Matched): string {
  const routes = matched.map(([[, route]]) => route);
  const own = routes.filter(({ path }) => path !== '/*');
  const route = own.find(({ method }) => method !== EVERY_METHOD) ?? own.at(-1) ?? routes.at(-1);
  return route === undefined ? UNMATCHED : readable(route.path);
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
