import { once } from 'node:events';
import { connect } from 'node:net';

/** Keep-alive connections to a server on this machine. */
export async function openConnections(port, count) {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').setNoDelay(true));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  return sockets;
}

export function closeConnections(sockets) {
  for (const socket of sockets) socket.destroy();
}

/**
 * One request at a time on each connection, for about `durationMs`.
 * @returns answers a second, and the milliseconds that each took
 * @throws Error for an answer other than 200 or 201
 */
export async function load(sockets, requests, durationMs) {
  const latencies = [];
  const started = performance.now();
  let sent = Math.floor(Math.random() * requests.length);
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve, reject) => {
          let sentAt;
          const send = () => {
            sentAt = performance.now();
            socket.write(requests[sent++ % requests.length]);
          };
          const answers = answerReader((status, head) => {
            const now = performance.now();
            latencies.push(now - sentAt);
            if (status !== 200 && status !== 201) reject(new Error(`unexpected answer: ${head}`));
            if (now - started < durationMs) return send();
            socket.off('data', answers);
            socket.off('close', lost);
            resolve();
          });
          const lost = () => reject(new Error('the server closed the connection'));
          socket.on('data', answers);
          socket.on('close', lost);
          send();
        }),
    ),
  );
  return { rate: (latencies.length * 1000) / (performance.now() - started), latencies };
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
