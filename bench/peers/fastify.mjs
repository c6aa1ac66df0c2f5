// The same answers by hand: Fastify with a schema for each answer, a pg pool, parameterized SQL.
import jwt from '@fastify/jwt';
import { fastify } from 'fastify';
import { Pool } from 'pg';
import { listening, settings } from './settings.mjs';

const { connectionString, poolSize, publicKey, issuer, audience } = settings;
const COLUMNS = 'id, owner_id, title, done, priority, created_at';
const ROW = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    owner_id: { type: 'string' },
    title: { type: 'string' },
    done: { type: 'boolean' },
    priority: { type: 'integer' },
    created_at: { type: 'string', format: 'date-time' },
  },
};

const pool = new Pool({ connectionString, max: poolSize });
const app = fastify({ logger: true });
app.register(jwt, {
  secret: { public: publicKey },
  verify: { algorithms: ['ES256'], allowedIss: issuer, allowedAud: audience, cache: true },
});
app.addHook('onRequest', (request) => request.jwtVerify());

app.get('/todos/:id', { schema: { response: { 200: ROW } } }, async (request, reply) => {
  const { rows } = await pool.query({
    name: 'todo',
    text: `SELECT ${COLUMNS} FROM todos WHERE id = $1 AND owner_id = $2`,
    values: [request.params.id, request.user.sub],
  });
  return rows[0] ?? reply.code(404).send({ message: 'There is no such todo.' });
});

app.get('/todos', { schema: { response: { 200: { type: 'array', items: ROW } } } }, async (request) => {
  const { rows } = await pool.query({
    name: 'todos',
    text: `SELECT ${COLUMNS} FROM todos WHERE id > $1 AND owner_id = $2 ORDER BY id LIMIT 50`,
    values: [request.query.after, request.user.sub],
  });
  return rows;
});

const NOTE = {
  type: 'object',
  required: ['title', 'priority'],
  properties: { title: { type: 'string' }, priority: { type: 'integer' } },
};
app.post('/notes', { schema: { body: NOTE, response: { 201: ROW } } }, async (request, reply) => {
  const { title, priority } = request.body;
  const { rows } = await pool.query({
    name: 'note',
    text: `INSERT INTO notes (owner_id, title, priority) VALUES ($1, $2, $3) RETURNING ${COLUMNS}`,
    values: [request.user.sub, title, priority],
  });
  return reply.code(201).send(rows[0]);
});

await app.listen({ host: '127.0.0.1', port: 0 });
listening(app.server.address().port);
