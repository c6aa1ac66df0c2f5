import { defineSection } from '@reactor/core';
import { z } from 'zod';

/** What `createData` needs to know. */
export interface DataConfig {
  /** Folder of the app's own migrations, applied at start; undefined when the app has none. */
  readonly migrationsDir?: string | undefined;
  /** Rows of an answer whose request names no limit. */
  readonly defaultLimit: number;
  /** Most rows of an answer, and of each embedded list; a larger limit is lowered to it. */
  readonly maxLimit: number;
  /** Milliseconds after which PostgreSQL cancels a request's statement; answered 504. */
  readonly statementTimeoutMs: number;
  /** The same for callers without a token; the shorter of the two applies to them. */
  readonly anonymousStatementTimeoutMs: number;
  /** Levels of embedded relations below the root; deeper is answered 400. */
  readonly maxEmbedDepth: number;
  /** Largest accepted body in bytes; a larger one is answered 413. */
  readonly maxBodyBytes: number;
  /** Longest answer in bytes; a longer one is not sent, but answered 400. */
  readonly maxResultBytes: number;
  /** Whether callers may ask for plans and for estimated counts. Both reveal facts about rows that they may not see. */
  readonly planEnabled: boolean;
  /** Whether callers without a token may call every function of the app, and not only those granted to `reactor_anon`. */
  readonly anonymousFunctions: boolean;
}

/** PostgreSQL counts timeouts and limits in 32 bits. */
const MAX_INT32 = 2_147_483_647;

function count(min: number, max: number) {
  const accepted = `must be a whole number from ${min} to ${max}`;
  return z.int(accepted).min(min, accepted).max(max, accepted);
}

const schema = z
  .strictObject({
    migrations_dir: z
      .string('must be a path')
      .min(1, 'must be a path')
      .optional()
      .describe("Folder with the app's own migrations, `*.sql`; applied at start in the order of their names."),
    // 100 and 1000, as the public contract has them.
    default_limit: count(1, MAX_INT32).default(100).describe('Rows of an answer whose request names no limit.'),
    max_limit: count(1, MAX_INT32)
      .default(1000)
      .describe('Most rows of an answer, and of each embedded list; a larger limit is lowered to it.'),
    // A third of the server's own request timeout, so that the caller learns why.
    statement_timeout_ms: count(1, MAX_INT32)
      .default(10_000)
      .describe("Milliseconds after which PostgreSQL cancels a request's statement."),
    // Callers without a token are not waited for as long; a page that strangers see must be quick anyway.
    anonymous_statement_timeout_ms: count(1, MAX_INT32)
      .default(3_000)
      .describe('The same for callers without a token; the shorter of the two applies to them.'),
    max_embed_depth: count(0, 20).default(5).describe('Levels of embedded relations below the root.'),
    max_body_bytes: count(1, Number.MAX_SAFE_INTEGER)
      // A thousand rows of ten kilobytes. All of it is held in memory, several times over.
      .default(10_485_760)
      .describe('Largest accepted body in bytes.'),
    // A thousand rows of thirty kilobytes; each connection of the pool may hold one. A text of half a gigabyte is more
    // than V8 can hold, and would end the process.
    max_result_bytes: count(1, 268_435_456).default(33_554_432).describe('Longest answer in bytes.'),
    plan_enabled: z
      .boolean('must be true or false')
      .default(false)
      .describe(
        'Whether EXPLAIN and estimated counts may be asked for, which reveal facts about rows that the caller may not see.',
      ),
    anonymous_functions: z
      .boolean('must be true or false')
      .default(false)
      .describe(
        'Whether callers without a token may call every function of the app; else only those granted to `reactor_anon`.',
      ),
  })
  .refine((data) => data.default_limit <= data.max_limit, {
    path: ['default_limit'],
    message: 'must be at most data.max_limit',
  });

/** The `[data]` section of Reactor.toml. */
export const dataSection = defineSection({
  name: 'data',
  schema,
  toConfig: (values): DataConfig => ({
    migrationsDir: values.migrations_dir,
    defaultLimit: values.default_limit,
    maxLimit: values.max_limit,
    statementTimeoutMs: values.statement_timeout_ms,
    anonymousStatementTimeoutMs: values.anonymous_statement_timeout_ms,
    maxEmbedDepth: values.max_embed_depth,
    maxBodyBytes: values.max_body_bytes,
    maxResultBytes: values.max_result_bytes,
    planEnabled: values.plan_enabled,
    anonymousFunctions: values.anonymous_functions,
  }),
});

/**
 * Reads the `[data]` section of Reactor.toml.
 * @throws ConfigError naming every bad key by its path (`data.max_limit`) and what is accepted there
 */
export const parseDataConfig = dataSection.parse;
