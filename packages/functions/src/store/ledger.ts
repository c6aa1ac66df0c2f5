import { type Database, SqlBlobLedger } from '@reactor/core';

/** Which blobs deployments point to, and which are to be removed. */
export class BundleLedger extends SqlBlobLedger {
  constructor(database: Database) {
    super(database, { schema: 'reactor_functions', folder: 'functions' });
  }
}
