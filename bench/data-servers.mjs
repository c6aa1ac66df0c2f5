// One of the two servers that data.mjs compares, in a process of its own.
import { createAdaptorServer } from '@hono/node-server';
import { silentLogger, systemClock } from '@reactor/core';
import { createData, parseDataConfig } from '@reactor/data';
import { openDatabase } from '@reactor/postgres';
import { Hono } from 'hono';
import { Pool } from 'pg';
import { tokenVerifier } from './data-tokens.mjs';

const POOL_SIZE = 10;
const COLUMNS = 'id, owner_id, title, done, priority, created_at';

// Whoever measures has ended, and the database with it.
process.once('disconnect', () => process.exit());
// Killed, the parent cannot stop its children.
process.once('disconnect', () => process.exit());
process.once('message', async ({ name, connectionString, tokens }) => {
  const verify = tokenVerifier(tokens);
  const app = name === 'bare' ? bareApp(connectionString, verify) : await dataApp(connectionString, verify);
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
});

/** What one would write by hand for the same answers. */
function bareApp(connectionString, verify) {
  const pool = new Pool({ connectionString, max: POOL_SIZE });
  const app = new Hono();
  app.use(async (c, next) => {
    const { sub } = await verify(c.req.header('Authorization')?.slice('Bearer '.length) ?? '');
    c.set('user', sub);
    await next();
  });
  for (const table of ['todos', 'events']) {
    app.get(`/${table}/:id`, async (c) => {
      const sql = `SELECT ${COLUMNS} FROM ${table} WHERE id = $1 AND owner_id = $2`;
      const { rows } = await pool.query(sql, [c.req.param('id'), c.get('user')]);
      return c.json(rows);
    });
  }
  app.get('/todos', async (c) => {
    const sql = `SELECT ${COLUMNS} FROM todos WHERE id > $1 AND owner_id = $2 ORDER BY id LIMIT 100`;
    const { rows } = await pool.query(sql, [c.req.query('after'), c.get('user')]);
    return c.json(rows);
  });
  app.post('/notes', async (c) => {
    const { title, priority } = await c.req.json();
    const sql = `INSERT INTO notes (owner_id, title, priority) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`;
    const { rows } = await pool.query(sql, [c.get('user'), title, priority]);
    return c.json(rows, 201);
  });
  app.get('/projects', async (c) => {
    const { rows } = await pool.query(
      `SELECT p.id, p.name, t.tasks
       FROM projects AS p
       CROSS JOIN LATERAL (
         SELECT coalesce(json_agg(json_build_object('id', id, 'title', title, 'done', done)), '[]') AS tasks
         FROM tasks WHERE project_id = p.id AND owner_id = $2
       ) AS t
       WHERE p.id > $1 AND p.owner_id = $2
       ORDER BY p.id LIMIT 20`,
      [c.req.query('after'), c.get('user')],
    );
    return c.json(rows);
  });
  return app;
}

async function dataApp(connectionString, verify) {
  const context = { logger: silentLogger, clock: systemClock };
  const database = openDatabase({ ...context, connectionString, poolMax: POOL_SIZE });
  const tokens = {
    verify: async (token) => {
      const claims = await verify(token);
      return { kind: 'user', id: claims.sub, email: claims.email, claims };
    },
  };
  const data = createData(parseDataConfig({}), { ...context, database, tokens });
  await data.start();
  return new Hono().route(data.basePath, data.routes);
}
