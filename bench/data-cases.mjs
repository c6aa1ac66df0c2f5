import { LARGE_TABLE_ROWS, PROJECTS, TODOS } from './data-schema.mjs';

/** Requests that differ in their key, as many as keep one from being answered twice in a row. */
const VARIANTS = 997;

const PATHS = {
  bare: {
    row: (n) => ['GET', `/todos/${1 + (n % TODOS)}`],
    page: (n) => ['GET', `/todos?after=${n % (TODOS - 100)}`],
    insert: () => ['POST', '/notes'],
    embed: (n) => ['GET', `/projects?after=${n % (PROJECTS - 20)}`],
    large: (n) => ['GET', `/events/${1 + (n % LARGE_TABLE_ROWS)}`],
  },
  data: {
    row: (n) => ['GET', `/data/v1/todos?id=eq.${1 + (n % TODOS)}`],
    page: (n) => ['GET', `/data/v1/todos?id=gt.${n % (TODOS - 100)}&order=id&limit=100`],
    insert: () => ['POST', '/data/v1/notes'],
    embed: (n) => [
      'GET',
      `/data/v1/projects?select=id,name,tasks(id,title,done)&id=gt.${n % (PROJECTS - 20)}&order=id&limit=20`,
    ],
    large: (n) => ['GET', `/data/v1/events?id=eq.${1 + (n % LARGE_TABLE_ROWS)}`],
  },
};

/** What is sent to one of the servers, as the bytes of whole requests. */
export function requestsOf(server, what, token) {
  // A prime step spreads the keys over the table.
  return Array.from({ length: VARIANTS }, (_, i) => bytes(...PATHS[server][what](i * 104_729), server, token));
}

function bytes(method, path, server, token) {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Accept: */*', `Authorization: Bearer ${token}`];
  if (method === 'GET') return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
  const body = JSON.stringify({ title: 'Remember the milk', priority: 3 });
  lines.push('Content-Type: application/json', `Content-Length: ${body.length}`);
  if (server === 'data') lines.push('Prefer: return=representation');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
