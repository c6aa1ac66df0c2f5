import { createRoutes } from '@reactor/core';
import { expect, test } from 'vitest';
import type { ObservedRequest } from './observed-request.js';
import { routeLabels } from './route-label.js';

test.each([
  ['/object/:bucket/:key{[\\s\\S]+}', '/object/a/b/c\nd', '/object/:bucket/:key'],
  ['/:year{[0-9]{4}}/:month{[0-9]{2}}/x', '/2026/11/x', '/:year/:month/x'],
  ['/:name{.+\\.png}', '/a/b.png', '/:name'],
  ['/runs/:id', '/runs/1', '/runs/:id'],
  ['/files/*', '/files/a/b', '/files/*'],
])('the label of %s is what a person would write', (pattern, path, label) => {
  const routes = createRoutes();
  routes.use(async (_, next) => next());
  routes.get(pattern, (c) => c.text('found'));
  const labelOf = routeLabels(routes);
  for (let i = 0; i < 2; i++) expect(labelOf({ method: 'GET', path } as ObservedRequest)).toBe(label);
});
