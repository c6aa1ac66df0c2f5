import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { type Logger, systemClock } from '@reactor/core';
import { lockStateDirectory, migrate, openDatabase, startEmbeddedPostgres } from '@reactor/postgres';
import { createStorage, parseStorageConfig } from '@reactor/storage';
import { Registry } from 'prom-client';
import { createApp } from './app.js';
import { createTokens } from './tokens.js';

export interface ShopOptions {
  /** Where the files of objects go, and the database when there is no `databaseUrl`. */
  readonly stateDirectory: string;
  /** An existing PostgreSQL; without it one is started below the state directory. */
  readonly databaseUrl?: string;
  readonly adminToken: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly logger: Logger;
}

export interface Shop {
  readonly url: string;
  stop(): Promise<void>;
}

/** Everything storage needs comes from here: it reads no environment, opens no port and keeps no global. */
export async function startShop({ stateDirectory, databaseUrl, adminToken, port, logger }: ShopOptions): Promise<Shop> {
  const clock = systemClock;
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    await mkdir(stateDirectory, { recursive: true });
    const lock = await lockStateDirectory(stateDirectory);
    closers.push(() => lock.release());

    let connectionString = databaseUrl;
    if (connectionString === undefined) {
      const postgres = await startEmbeddedPostgres({ stateDirectory, logger, clock });
      closers.push(() => postgres.stop(AbortSignal.timeout(10_000)));
      connectionString = postgres.connectionString;
    }
    const database = openDatabase({ connectionString, logger, clock });
    closers.push(() => database.close());

    const blobs = createFilesystemBlobStore({ root: join(stateDirectory, 'blobs'), clock });
    const storage = createStorage(parseStorageConfig({ max_upload_bytes: 10_000_000 }), {
      logger: logger.target('reactor_storage'),
      clock,
      database,
      tokens: createTokens(adminToken),
      blobs,
    });
    await migrate(database, [{ owner: storage.name, migrations: storage.migrations }], { logger });
    await storage.start();
    closers.push(() => storage.stop(AbortSignal.timeout(10_000)));

    const app = createApp(storage, blobs, new Registry());
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port });
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
