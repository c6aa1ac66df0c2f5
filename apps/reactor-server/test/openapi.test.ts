import { expect, test } from 'vitest';
import { composeForTest } from './support/compose.js';

interface Operation {
  readonly summary?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}

async function openApi() {
  const { main: app } = await composeForTest();
  const document = (await (await app.request('/_api/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>;
  };
  const operations = new Map(
    Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
  return { app, document, operations };
}

/** `/object/:key{[\s\S]+}` as OpenAPI writes it; a mount point has one spelling. */
function inDocument(pattern: string): string {
  return pattern
    .replace(/:slash\{\(\)\}$/, '')
    .replace(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')
    .replace(/(.)\/$/, '$1');
}

test('every route that can be reached is in the document, and nothing else is', async () => {
  const { app, operations } = await openApi();
  // ALL are middlewares, and what answers for the methods that a path does not have.
  const routed = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${inDocument(path)}`);
  const described = [...operations.keys()].map((operation) => operation.replace(/(.)\/$/, '$1'));
  expect([...new Set(routed)].filter((route) => !described.includes(route))).toEqual([]);
  // Hono answers HEAD by the route of GET.
  expect(described.filter((route) => !routed.includes(route.replace(/^HEAD /, 'GET ')))).toEqual([]);
});

test('every operation says what it does, names its path parameters once, and refers to what is there', async () => {
  const { document, operations } = await openApi();
  const unclear: string[] = [];
  for (const [name, { summary = '', parameters = [] }] of operations) {
    if (!/^[A-Z].* /.test(summary)) unclear.push(`${name}: ${summary}`);
    const wanted = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    const given = parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
    if (wanted.join() !== given.join()) unclear.push(`${name}: has ${given.join()}`);
  }
  expect(unclear).toEqual([]);
  const text = JSON.stringify(document);
  const broken = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)]
    .map(([, schema = '']) => schema)
    .filter((schema) => !text.includes(`"${schema}":{`));
  expect(broken).toEqual([]);
});

test('what the operator alone may do needs a bearer token, and the log says what it can be asked', async () => {
  const { operations } = await openApi();
  const open = [...operations]
    .filter(([name, { security }]) => name.includes('/_admin') && JSON.stringify(security) !== '[{"bearer":[]}]')
    .map(([name]) => name);
  expect(open).toEqual([]);
  expect(operations.get('GET /_admin/logs')?.parameters?.map(({ name }) => name)).toEqual([
    'follow',
    'since',
    'limit',
    'capability',
    'level',
    'target',
    'request_id',
    'sub',
  ]);
});

test("better-auth's endpoints bring the schemas that they check requests with", async () => {
  const { operations } = await openApi();
  expect(operations.get('POST /auth/v1/organization/invite-member')).toMatchObject({
    summary: 'Create an invitation to an organization',
    security: [{ bearer: [] }],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { required: expect.arrayContaining(['email', 'role']) } } },
    },
  });
  expect(operations.get('GET /auth/v1/organization/get-invitation')?.parameters).toEqual([
    expect.objectContaining({ name: 'id', in: 'query', required: true }),
  ]);
  // It takes any object; what is meant is described beside.
  expect(operations.get('POST /auth/v1/update-user')).toMatchObject({
    requestBody: { content: { 'application/json': { schema: { properties: { name: { type: 'string' } } } } } },
  });
  expect(operations.get('POST /auth/v1/sign-in/email')?.security).toBeUndefined();
});
