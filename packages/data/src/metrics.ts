import {
  counter,
  histogram,
  type MetricsContributor,
  metricsContributor,
  observedGauge,
  RESULTS,
  type Result,
} from '@reactor/core';

export const OPERATIONS = ['select', 'insert', 'update', 'delete', 'call', 'describe'] as const;
/** What a request does; `describe` asks for the schema. */
export type Operation = (typeof OPERATIONS)[number];

/** What refused: a policy, a missing privilege, or we because the table has no row-level security. */
export const REFUSALS = ['policy', 'privilege', 'row_security_off'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What happened, in the words of data. */
export interface DataMetrics {
  readonly contributor: MetricsContributor;
  operation(operation: Operation, result: Result): void;
  rowsRead(count: number): void;
  rowsWritten(count: number): void;
  statement(operation: Operation, durationMs: number): void;
  refused(by: Refusal): void;
  schemaReload(result: 'ok' | 'failed'): void;
  migrationApplied(): void;
}

/** What a scrape reads from a schema cache. */
export interface SchemaState {
  /** Milliseconds since the schema was last read; undefined before the first time. */
  ageMs(): number | undefined;
  /** Relations by whether requests may use them. */
  relations(): { readonly served: number; readonly refused: number };
}

/** From a primary key lookup over a socket to the default statement timeout of 10 s. */
const STATEMENT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param schemas the caches of all tenants that exist when a scrape asks */
export function createDataMetrics(schemas: () => Iterable<SchemaState>): DataMetrics {
  const operations = counter({
    name: 'reactor_data_operations_total',
    help: 'Requests on tables, functions and the schema',
    moves: 'once per finished request',
    unit: 'none',
    labels: { operation: OPERATIONS, result: RESULTS },
  });
  const rowsRead = counter({
    name: 'reactor_data_rows_read_total',
    help: 'Rows in answers to reads and calls',
    moves: 'once per read that succeeded, by its rows',
    unit: 'none',
  });
  const rowsWritten = counter({
    name: 'reactor_data_rows_written_total',
    help: 'Rows inserted, updated and deleted by writes, without what triggers and functions write',
    moves: 'once per write that was committed, by its rows',
    unit: 'none',
  });
  const statements = histogram({
    name: 'reactor_data_statement_duration_seconds',
    help: 'Time PostgreSQL took for the statements of one request, the way there and back included',
    moves: 'once per request that reached the database',
    unit: 'seconds',
    labels: { operation: OPERATIONS },
    buckets: STATEMENT_BUCKETS,
  });
  const refusals = counter({
    name: 'reactor_data_refusals_total',
    help: 'Requests refused by a row-level security policy, by a missing privilege, or because the table has no row-level security',
    moves: 'once per refused request',
    unit: 'none',
    labels: { by: REFUSALS },
  });
  const reloads = counter({
    name: 'reactor_data_schema_reloads_total',
    help: 'Readings of the database schema into the cache',
    moves: 'at start, after DDL, on request, and when a request misses something',
    unit: 'none',
    labels: { result: ['ok', 'failed'] },
  });
  const migrations = counter({
    name: 'reactor_data_migrations_applied_total',
    help: "Migrations of the app's own that this process has applied",
    moves: 'once per file that was committed',
    unit: 'none',
  });
  const families = [
    operations,
    rowsRead,
    rowsWritten,
    statements,
    refusals,
    reloads,
    migrations,
    observedGauge({
      name: 'reactor_data_schema_age_seconds',
      help: 'Time since the schema was last read from the database; of several databases, of the one longest ago',
      moves: 'with each scrape; back to 0 with each reload',
      unit: 'seconds',
      aggregator: 'max',
      collect: () => {
        const ages = Array.from(schemas(), (schema) => schema.ageMs()).filter((age) => age !== undefined);
        return ages.length === 0 ? [] : [{ labels: {}, value: Math.max(...ages) / 1000 }];
      },
    }),
    observedGauge({
      name: 'reactor_data_schema_relations',
      help: 'Tables and views of the exposed schema, by whether requests may use them',
      moves: 'with each reload that finds others',
      unit: 'none',
      aggregator: 'max',
      labels: { access: ['served', 'refused'] },
      collect: () => {
        const all = Array.from(schemas(), (schema) => schema.relations());
        return (['served', 'refused'] as const).map((access) => ({
          labels: { access },
          value: all.reduce((sum, relations) => sum + relations[access], 0),
        }));
      },
    }),
  ];
  return {
    contributor: metricsContributor(families),
    operation: (operation, result) => operations.child({ operation, result }).inc(),
    rowsRead: (count) => rowsRead.child({}).inc(count),
    rowsWritten: (count) => rowsWritten.child({}).inc(count),
    statement: (operation, durationMs) => statements.child({ operation }).observe(durationMs / 1000),
    refused: (by) => refusals.child({ by }).inc(),
    schemaReload: (result) => reloads.child({ result }).inc(),
    migrationApplied: () => migrations.child({}).inc(),
  };
}
