import { type Database, type DatabaseConnection, silentLogger, systemClock } from '@reactor/core';
import { whenOver } from '@reactor/testing';
import { Hono } from 'hono';
import { createData, type DataConfig, parseDataConfig } from '../../src/index.js';
import { databaseWith } from './database.js';
import { testTokens } from './tokens.js';

/** Data on a real database, with the text of every statement that it sends. */
export interface RecordedData {
  readonly app: Hono;
  readonly database: Database;
  /** The texts since the last call, of those that requests make and not of the schema cache. */
  taken(): readonly string[];
}

export async function createRecordedData(sql: string, config: Partial<DataConfig> = {}): Promise<RecordedData> {
  const { database } = await databaseWith(sql);
  let texts: string[] = [];
  const recorded: Database = {
    query: (text, values, options) => database.query(text, values, options),
    transaction: (work) => database.transaction(work),
    ping: (signal) => database.ping(signal),
    events: database.events,
    connect: async (options) => recording(await database.connect(options), (text) => texts.push(text)),
  };
  const context = { logger: silentLogger, clock: systemClock };
  const data = createData(
    { ...parseDataConfig({}), ...config },
    { ...context, database: recorded, tokens: testTokens },
  );
  whenOver(() => data.stop(AbortSignal.timeout(1_000)));
  await data.start();
  return {
    app: new Hono().route(data.basePath, data.routes),
    database,
    taken() {
      const taken = texts;
      texts = [];
      return taken;
    },
  };
}

function recording(connection: DatabaseConnection, record: (text: string) => void): DatabaseConnection {
  // The schema cache reads under an empty search path, in several round trips of one checkout.
  let isSchemaCache = false;
  return {
    query: (text, values, options) => {
      if (!isSchemaCache) record(text);
      return connection.query(text, values, options);
    },
    pipeline: (statements, options) => {
      isSchemaCache ||= statements.some(({ text }) => text.includes(`'search_path', ''`));
      if (!isSchemaCache) for (const { text } of statements) record(text);
      return connection.pipeline(statements, options);
    },
    release: (broken) => connection.release(broken),
  };
}
