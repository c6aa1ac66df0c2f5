import { type AddressInfo, createServer, type NetConnectOpts, connect as tcpConnect } from 'node:net';
import { onTestFinished } from 'vitest';

/** BackendKeyData: its kind, its length, the process id and the key to cancel by. */
const KIND = 'K'.charCodeAt(0);

/**
 * Announces another process id than the one that answers, as every pooler does, and is none in anything else.
 * @returns its port
 */
export async function keyChangingProxy(target: NetConnectOpts): Promise<number> {
  const server = createServer((socket) => {
    const upstream = tcpConnect(target);
    let isChanged = false;
    upstream.on('data', (bytes: Buffer) => {
      if (!isChanged) isChanged = changeProcessId(bytes);
      socket.write(bytes);
    });
    socket.pipe(upstream);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** @returns whether `bytes`, whole messages of the server's greeting, had the key */
function changeProcessId(bytes: Buffer): boolean {
  for (let at = 0; at + 5 <= bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
    if (bytes[at] !== KIND) continue;
    bytes.writeUInt32BE(bytes.readUInt32BE(at + 5) + 1, at + 5);
    return true;
  }
  return false;
}
