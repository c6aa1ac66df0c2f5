import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type NetConnectOpts, connect as tcpConnect } from 'node:net';
import { join } from 'node:path';
import { createSecureContext, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../testing/src/temporary-directory.js';

/** A CancelRequest begins with its length and this code. */
const CANCEL_REQUEST = Buffer.from([0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e]);

export interface TlsProxy {
  readonly port: number;
  /** CancelRequests that came through TLS. */
  cancels(): number;
}

/** Speaks TLS as PostgreSQL does, after an SSLRequest, in front of a server; the certificate is nobody's. */
export async function tlsProxy(target: NetConnectOpts): Promise<TlsProxy> {
  const directory = await temporaryDirectory();
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes'];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
  const secureContext = createSecureContext({ key: await readFile(key), cert: await readFile(cert) });
  let cancels = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('S');
      const secure = new TLSSocket(socket, { isServer: true, secureContext });
      const upstream = tcpConnect(target);
      secure.once('data', (first: Buffer) => {
        if (first.subarray(0, 8).equals(CANCEL_REQUEST)) cancels += 1;
      });
      secure.on('error', () => upstream.destroy());
      upstream.on('error', () => secure.destroy());
      upstream.on('close', () => secure.destroy());
      secure.pipe(upstream).pipe(secure);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, cancels: () => cancels };
}
