import { createRoutes } from '@reactor/core';
import { expect, test } from 'vitest';
import { routeLabel } from './route-label.js';

test.each([
  ['/object/:bucket/:key{[\\s\\S]+}', '/object/a/b/c\nd', '/object/:bucket/:key'],
  ['/:year{[0-9]{4}}/:month{[0-9]{2}}/x', '/2026/11/x', '/:year/:month/x'],
  ['/:name{.+\\.png}', '/a/b.png', '/:name'],
  ['/runs/:id', '/runs/1', '/runs/:id'],
  ['/files/*', '/files/a/b', '/files/*'],
])('the label of %s is what a person would write', async (pattern, path, label) => {
  const routes = createRoutes();
  const labels: string[] = [];
  routes.use(async (c, next) => {
    await next();
    labels.push(routeLabel(c));
  });
  routes.get(pattern, (c) => c.text('found'));
  for (let i = 0; i < 2; i++) expect((await routes.request(encodeURI(path))).status).toBe(200);
  expect(labels).toEqual([label, label]);
});
