import { ALICE, BOB } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody, refusal } from '../support/data.js';

/** Whatever an answer says, this must not be in it. */
const SECRET = 'the secret of Bob';

const SCHEMA = `
  CREATE SCHEMA reactor_auth;
  CREATE TABLE reactor_auth.users (id uuid PRIMARY KEY, password text);
  INSERT INTO reactor_auth.users VALUES ('${ALICE}', '${SECRET}'), ('${BOB}', '${SECRET}');
  CREATE TABLE folders (id int PRIMARY KEY, name text);
  ALTER TABLE folders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON folders FOR SELECT USING (true);
  INSERT INTO folders VALUES (1, 'shared');
  CREATE TABLE notes (
    id int PRIMARY KEY,
    owner uuid REFERENCES reactor_auth.users,
    folder int REFERENCES folders,
    body text UNIQUE,
    code text
  );
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes TO reactor_authenticated USING (owner = (SELECT auth.user_id()));
  INSERT INTO notes VALUES (1, '${ALICE}', 1, 'of Alice', '1'), (2, '${BOB}', 1, '${SECRET}', 'no number');
  CREATE TABLE open (id int PRIMARY KEY, note int REFERENCES notes ON DELETE CASCADE, folder int REFERENCES folders, body text);
  INSERT INTO open VALUES (1, 1, 1, '${SECRET}');
  CREATE VIEW as_owner AS SELECT * FROM notes;
  CREATE VIEW of_open WITH (security_invoker) AS SELECT * FROM open;
  CREATE VIEW as_invoker WITH (security_invoker) AS SELECT * FROM notes;
  CREATE MATERIALIZED VIEW kept AS SELECT * FROM notes;
  CREATE FUNCTION all_notes() RETURNS SETOF notes LANGUAGE sql STABLE AS 'SELECT * FROM notes';
  CREATE FUNCTION by_sql(query text) RETURNS SETOF text LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN QUERY EXECUTE query; END $$;
  GRANT EXECUTE ON FUNCTION all_notes, by_sql TO reactor_anon;
  ANALYZE;
`;

const CALLERS = ['alice', undefined] as const;

async function setUp() {
  const data = await createTestData(SCHEMA);
  /** Every answer to a caller who is not Bob. */
  const ask = async (token: string | undefined, method: string, path: string, init: RequestInit = {}) => {
    const answer = await data.as(token)(method, path, init);
    const everything = `${JSON.stringify([...answer.headers])} ${await answer.clone().text()}`;
    expect(everything, `${method} ${path}`).not.toContain(SECRET);
    return answer;
  };
  const bobs = async () =>
    (await data.database.query<{ body: string }>('SELECT body FROM notes WHERE owner = $1', [BOB])).rows;
  return { ...data, ask, bobs };
}

describe('rows of others are not to be read', () => {
  test('by any way of reading', async () => {
    const { ask } = await setUp();
    const exact = { headers: { Prefer: 'count=exact' } };
    for (const caller of CALLERS) {
      const own = caller === 'alice' ? 1 : 0;
      for (const path of ['/notes', '/as_invoker', '/rpc/all_notes']) {
        const answer = await ask(caller, 'GET', `${path}?order=body.desc`, exact);
        expect(await answer.json()).toHaveLength(own);
        expect(answer.headers.get('Content-Range')).toMatch(new RegExp(`/${own}$`));
      }
      for (const query of ['id=eq.2', 'body=like.*secret*', 'or=(id.eq.2,body.is.null)', 'not.and=(id.eq.1,id.eq.1)']) {
        expect(await (await ask(caller, 'GET', `/notes?${query}`)).json()).toEqual([]);
      }
      const csv = await ask(caller, 'GET', '/notes?select=id', { headers: { Accept: 'text/csv' } });
      expect((await csv.text()).trim().split('\n')).toHaveLength(1 + own);
      const sums = await ask(caller, 'GET', '/notes?select=id.max(),count()');
      expect(await sums.json()).toEqual([{ max: own === 1 ? 1 : null, count: own }]);
    }
  });

  test('by embedding', async () => {
    const { ask } = await setUp();
    const embedded = await ask('alice', 'GET', '/folders?select=name,notes(id),as_invoker(id)');
    expect(await embedded.json()).toEqual([{ name: 'shared', notes: [{ id: 1 }], as_invoker: [{ id: 1 }] }]);
    const inner = await ask(undefined, 'GET', '/folders?select=name,notes!inner()&notes.body=like.*secret*');
    expect(await inner.json()).toEqual([]);
    const ordered = await ask('alice', 'GET', '/notes?select=id,folders(name)&order=folders(name)');
    expect(await ordered.json()).toHaveLength(1);
  });

  test('by casts and patterns that fail on them', async () => {
    const { ask } = await setUp();
    // Bob's code is no number: reading it as one would be an error that tells of it.
    const cast = await ask('alice', 'GET', '/notes?select=code::int');
    expect([cast.status, await cast.json()]).toEqual([200, [{ code: 1 }]]);
    const order = await ask('alice', 'GET', '/notes?select=id&order=code');
    expect(order.status).toBe(200);
  });

  test('by functions, which run as the caller', async () => {
    const { ask } = await setUp();
    const sql = (query: string, token: string | undefined = 'alice') =>
      ask(token, 'POST', '/rpc/by_sql', jsonBody({ query }));
    expect(await (await sql('SELECT body FROM public.notes')).json()).toEqual(['of Alice']);
    expect(await refusal(await sql('SELECT password FROM reactor_auth.users'))).toBe('403 42501 permission_denied');
    expect(await refusal(await sql('SELECT name FROM reactor_data.app_migrations'))).toBe(
      '403 42501 permission_denied',
    );
    expect(await refusal(await sql('SELECT rolpassword FROM pg_authid'))).toBe('403 42501 permission_denied');
    expect(await refusal(await sql("SELECT pg_read_file('/etc/passwd')"))).toBe('403 42501 permission_denied');
    expect(await refusal(await sql('SET LOCAL row_security = off'))).toMatch(/^[45]/);
    // It can lie to itself about who it is, but that ends with the request.
    await sql(`SELECT set_config('request.jwt.claims', '{"sub":"${ALICE}"}', false)`, undefined);
    expect(await (await ask(undefined, 'GET', '/notes')).json()).toEqual([]);
  });
});

describe('what no policy protects is refused', () => {
  const REFUSED = ['open', 'as_owner', 'of_open', 'kept'];

  test('directly, whatever the verb', async () => {
    const { ask } = await setUp();
    for (const caller of CALLERS) {
      for (const table of REFUSED) {
        for (const [method, path, init] of [
          ['GET', `/${table}`, {}],
          ['POST', `/${table}`, jsonBody({ id: 9 })],
          ['PATCH', `/${table}?id=eq.1`, jsonBody({ id: 9 })],
          ['PUT', `/${table}?id=eq.1`, jsonBody({ id: 1 })],
          ['DELETE', `/${table}?id=eq.1`, {}],
        ] as const) {
          expect(await refusal(await ask(caller, method, path, init))).toBe('403 42501 row_security_off');
        }
      }
    }
  });

  test('embedded, at any depth', async () => {
    const { ask } = await setUp();
    for (const path of [
      '/notes?select=id,open(body)',
      '/folders?select=name,notes(id,open(body))',
      '/folders?select=name,as_owner(body)',
      '/folders?select=name,of_open(body)',
      '/folders?select=name,open!inner()',
      '/notes?select=id&open.body=eq.x',
      '/rpc/all_notes?select=id,open(body)',
    ]) {
      expect((await refusal(await ask('alice', 'GET', path))).slice(0, 1), path).toBe('4');
    }
  });

  test('in the description of the schema', async () => {
    const { ask } = await setUp();
    const { paths } = (await (await ask('alice', 'GET', '')).json()) as { paths: object };
    expect(Object.keys(paths)).toEqual(['/as_invoker', '/folders', '/notes', '/rpc/all_notes', '/rpc/by_sql']);
    expect((await ask(undefined, 'GET', '')).status).toBe(401);
  });
});

describe('rows of others are not to be written', () => {
  test('by merging into them', async () => {
    const { ask, bobs } = await setUp();
    for (const caller of CALLERS) {
      const merge = await ask(
        caller,
        'POST',
        '/notes',
        jsonBody({ id: 2, owner: ALICE, body: 'mine' }, { Prefer: 'resolution=merge-duplicates' }),
      );
      expect(await refusal(merge)).toMatch(/^40[13] 42501 /);
      const put = await ask(caller, 'PUT', '/notes?id=eq.2', jsonBody({ id: 2, owner: ALICE, body: 'mine' }));
      expect(await refusal(put)).toMatch(/^40[13] 42501 /);
    }
    const ignored = await ask(
      'alice',
      'POST',
      '/notes',
      jsonBody(
        { id: 2, owner: ALICE, body: 'mine' },
        { Prefer: 'resolution=ignore-duplicates, return=representation' },
      ),
    );
    expect(await ignored.json()).toEqual([]);
    expect(await bobs()).toEqual([{ body: SECRET }]);
  });

  test('by changing, deleting, or giving rows away', async () => {
    const { ask, bobs } = await setUp();
    const all = { Prefer: 'handling=strict, max-affected=9, return=representation' };
    expect(await (await ask('alice', 'PATCH', '/notes?id=eq.2', jsonBody({ body: 'x' }, all))).json()).toEqual([]);
    expect(await refusal(await ask('alice', 'PATCH', '/notes?id=eq.1', jsonBody({ owner: BOB })))).toBe(
      '403 42501 policy_denied',
    );
    expect(await refusal(await ask('alice', 'POST', '/notes', jsonBody({ id: 9, owner: BOB })))).toBe(
      '403 42501 policy_denied',
    );
    expect(await (await ask('alice', 'DELETE', '/notes', { headers: all })).json()).toHaveLength(1);
    expect(await bobs()).toEqual([{ body: SECRET }]);
  });

  test('and errors do not tell what they hold', async () => {
    const { ask } = await setUp();
    const body = (value: string) => ask('alice', 'POST', '/notes', jsonBody({ id: 9, owner: ALICE, body: value }));
    const taken = await body(SECRET);
    expect(await taken.clone().json()).toMatchObject({ code: '23505', details: null });
    expect(await refusal(taken)).toBe('409 23505 conflict');
    const key = await ask('alice', 'POST', '/notes', jsonBody({ id: 2, owner: ALICE }));
    expect(await key.json()).toMatchObject({ code: '23505', details: null });
  });
});

describe('nothing but the exposed schema is to be reached', () => {
  test('by name, quoted name, profile, embed or cast', async () => {
    const { ask } = await setUp();
    for (const path of [
      '/users',
      '/reactor_auth.users',
      '/%22reactor_auth%22.%22users%22',
      '/pg_authid',
      '/pg_catalog.pg_authid',
      '/notes?select=users(*)',
      '/notes?select=owner(*)',
      '/notes?select=notes_owner_fkey(*)',
      '/notes?select=ctid',
      '/notes?select=tableoid',
      '/notes?select=id::reactor_auth.users',
      '/notes?select=body::regclass',
      '/notes?select=body::regrole',
      '/rpc/pg_read_file?filename=/etc/passwd',
      '/rpc/set_config?setting_name=role&new_value=postgres&is_local=false',
      '/rpc/auth.jwt',
    ]) {
      expect((await ask('alice', 'GET', path)).status, path).toBeGreaterThanOrEqual(400);
      expect((await ask('alice', 'GET', path)).status, path).toBeLessThan(500);
    }
    for (const profile of ['Accept-Profile', 'Content-Profile']) {
      const answer = await ask('alice', 'GET', '/users', { headers: { [profile]: 'reactor_auth' } });
      expect(await refusal(answer)).toBe('406 PGRST106 schema_not_exposed');
    }
    expect((await ask('alice', 'GET', '/notes', { headers: { 'Accept-Profile': 'public' } })).status).toBe(200);
  });
});

test('callers who share connections do not become each other', async () => {
  const { as } = await createTestData(SCHEMA);
  const expected = { alice: [1], bob: [2], admin: [1, 2], nobody: [] };
  const requests = Array.from({ length: 80 }, (_, i) => {
    const caller = (['alice', 'bob', 'admin', 'nobody'] as const)[i % 4] as keyof typeof expected;
    const ask = as(caller === 'nobody' ? undefined : caller);
    // Some fail in the middle, some write: all of them leave the connection to somebody else.
    const paths = [
      '/notes?select=id&order=id',
      '/notes?select=id&order=id&limit=5',
      '/rpc/all_notes?select=id&order=id',
    ];
    const broken = i % 7 === 0 ? ask('GET', '/notes?id=eq.x') : undefined;
    const written = i % 5 === 0 ? ask('PATCH', '/notes?id=gt.0', jsonBody({ folder: 1 })) : undefined;
    return Promise.all([ask('GET', paths[i % 3] as string), broken, written]).then(async ([answer]) => {
      expect(answer.status, await answer.clone().text()).toBe(200);
      const rows = (await answer.json()) as { id: number }[];
      expect(rows.map(({ id }) => id)).toEqual(expected[caller]);
    });
  });
  await Promise.all(requests);
});

test('a policy that fails is the operator’s fault, and its words stay inside', async () => {
  const { as } = await createTestData(`
    CREATE TABLE loops (id int);
    ALTER TABLE loops ENABLE ROW LEVEL SECURITY;
    CREATE POLICY loop ON loops USING (EXISTS (SELECT FROM loops));
  `);
  const answer = await as('alice')('GET', '/loops');
  expect(await answer.clone().text()).not.toContain('recursion');
  expect(await refusal(answer)).toBe('500 42P17 internal_error');
});
