import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Keep-alive connections with one request at a time on each, for about `durationMs`.
 * @param spin whether this process keeps its core instead of sleeping until an answer comes; leaves none for PostgreSQL
 * @returns answers a second, and the milliseconds that each took
 * @throws Error for an answer other than 200 or 201
 */
export async function load(port, requests, { connections, durationMs, spin = false }) {
  let loading = true;
  // Asleep, this process would have to be woken by each answer, at the cost of the server.
  const turn = () => loading && setImmediate(turn);
  if (spin) turn();
  const sockets = Array.from({ length: connections }, () => connect(port, '127.0.0.1').setNoDelay(true));
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const latencies = [];
    const started = performance.now();
    let sent = Math.floor(Math.random() * requests.length);
    const next = () => (performance.now() - started < durationMs ? requests[sent++ % requests.length] : undefined);
    await Promise.all(sockets.map((socket) => converse(socket, next, latencies)));
    return { rate: (latencies.length * 1000) / (performance.now() - started), latencies };
  } finally {
    loading = false;
    for (const socket of sockets) socket.destroy();
  }
}

/** Sends what `next` gives, each after the answer to the one before. */
function converse(socket, next, latencies) {
  return new Promise((resolve, reject) => {
    let sentAt;
    const send = () => {
      const request = next();
      if (request === undefined) return resolve();
      sentAt = performance.now();
      socket.write(request);
    };
    const onAnswer = (status, head) => {
      latencies.push(performance.now() - sentAt);
      if (status === 200 || status === 201) send();
      else reject(new Error(`unexpected answer: ${head}`));
    };
    socket.on('data', answerReader(onAnswer));
    socket.on('close', () => reject(new Error('the server closed the connection')));
    send();
  });
}

/** Finds the end of each answer by its Content-Length; nothing is pipelined, so one comes at a time. */
function answerReader(onAnswer) {
  let missing = 0;
  let head = '';
  let status = 0;
  return (chunk) => {
    if (missing === 0) {
      const text = chunk.latin1Slice(0, Math.min(chunk.length, 2_048));
      const end = text.indexOf('\r\n\r\n') + 4;
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (end < 4 || length === undefined) throw new Error(`an answer without a length: ${text}`);
      head = text;
      status = Number(text.slice(9, 12));
      missing = end + Number(length);
    }
    missing -= chunk.length;
    if (missing === 0) onAnswer(status, head);
  };
}
