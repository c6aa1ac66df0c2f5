/** Of the table that is read. */
export const ROWS = 10_000;
export const PAGE = 50;
/** The row with the number `n`, for PostgreSQL. */
export const ROW_SQL = `'Write chapter ' || n AS title, n % 3 = 0 AS done, n % 5 AS priority,
  timestamptz '2025-01-01 00:00:00.125Z' + n * interval '1 minute' AS created_at`;
export const NOTE = { title: 'Remember the milk', priority: 3 };

/** Parse Server's ids are text. Of one length, so that they have the order of the numbers. */
export const parseId = (n) => `row${String(n).padStart(7, '0')}`;

const COLUMNS = ['id', 'owner_id', 'title', 'done', 'priority', 'created_at'];
const SELECTION = 'id: rowId ownerId title done priority createdAt';
const QUERIES = {
  row: `query($id: Int!) { todoByRowId(rowId: $id) { ${SELECTION} } }`,
  page: `query($after: Cursor!) { allTodos(after: $after, first: ${PAGE}, orderBy: PRIMARY_KEY_ASC) { nodes { ${SELECTION} } } }`,
  insert: `mutation($note: NoteInput!) { createNote(input: { note: $note }) { note { ${SELECTION} } } }`,
};
/** The cursor of each row, in the order of the ids. */
export const CURSORS_QUERY = `{ allTodos(first: ${ROWS}, orderBy: PRIMARY_KEY_ASC) { edges { cursor } } }`;

/**
 * How each server is asked for the same, and what is in its answer.
 * @param token access token of the user who owns all rows
 * @param parse `{ headers, userId }` of the same user of Parse Server
 * @param cursors of PostGraphile, by id minus one
 * @returns by name `{ row(n), page(n), insert(), rowsOf(body) }`; a request is `{ method, path, headers, body? }`
 */
export function dialects({ token, parse, cursors }) {
  const headers = { Authorization: `Bearer ${token}` };
  const json = { ...headers, 'Content-Type': 'application/json' };
  const graphql = (query, variables) => ({
    method: 'POST',
    path: '/graphql',
    headers: json,
    body: JSON.stringify({ query, variables }),
  });
  const ACL = { [parse.userId]: { read: true, write: true } };
  return {
    reactor: {
      row: (n) => ({ method: 'GET', path: `/data/v1/todos?id=eq.${n}`, headers }),
      page: (n) => ({ method: 'GET', path: `/data/v1/todos?id=gt.${n}&order=id&limit=${PAGE}`, headers }),
      insert: () => ({
        method: 'POST',
        path: '/data/v1/notes',
        headers: { ...json, Prefer: 'return=representation' },
        body: JSON.stringify(NOTE),
      }),
      rowsOf: (body) => body.map((row) => COLUMNS.map((column) => row[column])),
    },
    fastify: {
      row: (n) => ({ method: 'GET', path: `/todos/${n}`, headers }),
      page: (n) => ({ method: 'GET', path: `/todos?after=${n}`, headers }),
      insert: () => ({ method: 'POST', path: '/notes', headers: json, body: JSON.stringify(NOTE) }),
      rowsOf: (body) => [body].flat().map((row) => COLUMNS.map((column) => row[column])),
    },
    postgraphile: {
      row: (id) => graphql(QUERIES.row, { id }),
      page: (n) => graphql(QUERIES.page, { after: cursors[n - 1] }),
      insert: () => graphql(QUERIES.insert, { note: NOTE }),
      rowsOf: ({ data, errors }) => {
        if (errors !== undefined) throw new Error(`PostGraphile: ${JSON.stringify(errors)}`);
        const rows = data.allTodos?.nodes ?? [data.todoByRowId ?? data.createNote.note];
        return rows.map((row) => [row.id, row.ownerId, row.title, row.done, row.priority, row.createdAt]);
      },
    },
    'parse-server': {
      row: (n) => ({ method: 'GET', path: `/parse/classes/Todo/${parseId(n)}`, headers: parse.headers }),
      page: (n) => {
        const where = JSON.stringify({ objectId: { $gt: parseId(n) } });
        const path = `/parse/classes/Todo?where=${encodeURIComponent(where)}&order=objectId&limit=${PAGE}`;
        return { method: 'GET', path, headers: parse.headers };
      },
      insert: () => ({
        method: 'POST',
        path: '/parse/classes/Note',
        headers: { ...parse.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ ...NOTE, ACL }),
      }),
      rowsOf: (body) =>
        (body.results ?? [body]).map((row) => [
          row.objectId,
          Object.keys(row.ACL ?? {})[0],
          row.title,
          row.done,
          row.priority,
          row.createdAt,
        ]),
    },
  };
}

/** A request as the bytes that a connection sends. */
export function bytesOf({ method, path, headers, body = '' }) {
  const all = { Host: 'localhost', Accept: '*/*', ...headers };
  if (method === 'POST') all['Content-Length'] = Buffer.byteLength(body);
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n${body}`);
}
