// What one would write by hand for the answers that server.mjs asks for, in a process of its own.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { Pool } from 'pg';

const COLUMNS = 'id, owner_id, title, done, priority, created_at';

// Killed, the parent cannot stop its children.
process.once('disconnect', () => process.exit());
process.once('message', ({ connectionString, keys }) => {
  const pool = new Pool({ connectionString, max: 10 });
  const resolve = createLocalJWKSet({ keys });
  const app = new Hono();
  app.get('/livez', (c) => c.json({ status: 'ok' }));
  const callerOf = async (c) => {
    const token = c.req.header('Authorization')?.slice('Bearer '.length) ?? '';
    return (await jwtVerify(token, resolve, { algorithms: ['ES256'] })).payload.sub;
  };
  app.get('/todos/:id', async (c) => {
    const sql = `SELECT ${COLUMNS} FROM todos WHERE id = $1 AND owner_id = $2`;
    const { rows } = await pool.query(sql, [c.req.param('id'), await callerOf(c)]);
    return c.json(rows);
  });
  app.post('/notes', async (c) => {
    const { title, priority } = await c.req.json();
    const sql = `INSERT INTO notes (owner_id, title, priority) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`;
    const { rows } = await pool.query(sql, [await callerOf(c), title, priority]);
    return c.json(rows, 201);
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => process.send(port));
  server.keepAliveTimeout = 65_000;
});
