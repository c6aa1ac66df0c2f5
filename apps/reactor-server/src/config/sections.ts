import { isIP } from 'node:net';
import { defineSection, MAX_BODY_BYTES } from '@reactor/core';
import { parseFilter } from '@reactor/observability';
import { checkDatabaseUrl, MINIMUM_POOL_MAX } from '@reactor/postgres';
import { z } from 'zod';

/** Where to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Splits `127.0.0.1:8000` or `[::1]:8000`. Undefined when it is neither. */
function parseBind(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) return undefined;
  if (match?.[1] !== undefined ? isIP(host) !== 6 : isIP(host) !== 4 && host !== 'localhost') return undefined;
  return { host, port };
}

const seconds = (min: number, max: number) => z.number().min(min).max(max);
const cidr = z.string().refine((text) => {
  const [address, bits, rest] = text.split('/');
  const family = isIP(address ?? '');
  const max = family === 4 ? 32 : 128;
  return family !== 0 && rest === undefined && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= max));
}, 'expected an IP address or CIDR range such as 10.0.0.0/8');

/** As a browser writes it in `Origin`, which is compared letter by letter. */
const origin = z
  .string()
  .refine(isOrigin, 'expected exact origins such as https://app.example.com, without a path or a wildcard');

function isOrigin(text: string): boolean {
  if (/^https?:/i.test(text)) return !text.includes('*') && URL.canParse(text) && new URL(text).origin === text;
  // An app's own scheme: capacitor://localhost.
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(?::\d+)?$/.test(text);
}

/** A refinement by a parser that throws what is wrong. */
function acceptedBy(parse: (text: string) => unknown) {
  return (text: string, context: z.RefinementCtx): void => {
    try {
      parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  };
}

/** `[project]` */
export const projectSection = defineSection({
  name: 'project',
  schema: z.strictObject({
    name: z.string().min(1).max(63).default('reactor').describe('Display name.'),
    id: z.uuid().optional().describe('Immutable id of the project.'),
    env: z
      .enum(['dev', 'preview', 'production'])
      .default('production')
      .describe('Outside `dev`, secrets must be configured and sign-up is closed by default.'),
  }),
  toConfig: ({ env }) => ({ env }),
});

/** `[server]` */
export const serverSection = defineSection({
  name: 'server',
  schema: z.strictObject({
    bind: z
      .string()
      .refine(
        (text) => parseBind(text) !== undefined,
        'expected <IPv4 address or localhost>:<port> or [<IPv6 address>]:<port>',
      )
      .default('0.0.0.0:8000')
      .describe('Address and port of everything: API, metrics, health, admin.'),
    state_dir: z
      .string()
      .min(1)
      .default('.reactor')
      .describe('The one folder with everything local, relative to the project directory.'),
    request_timeout_secs: seconds(0.1, 3600)
      .default(30)
      .describe('Seconds a request may go without progress before it is given up.'),
    grace_secs: seconds(0, 300)
      .default(5)
      .describe(
        'Seconds of answering as not ready before a stop begins; longer than the load balancer needs to notice.',
      ),
    max_header_bytes: z
      .int()
      .min(1024)
      .max(1_048_576)
      .default(16_384)
      .describe('Limit of the request line and headers together.'),
    max_body_bytes: z
      .int()
      .min(1024)
      .max(1_073_741_824)
      .default(MAX_BODY_BYTES)
      .describe('Limit of a request body, except where a capability has its own.'),
    cors: z
      .strictObject({
        allow_origins: z
          .array(origin)
          .min(1)
          .describe('Exact web origins whose pages may call this server; cookies go along below `/auth/v1` only.'),
      })
      .optional()
      .describe('Off when absent.'),
    trusted_proxies: z.array(cidr).default([]).describe('Proxies whose `X-Forwarded-For` is trusted.'),
  }),
  devDefaults: { grace_secs: 0 },
  toConfig: (values) => ({
    bind: parseBind(values.bind) as Address,
    stateDirectory: values.state_dir,
    requestTimeoutMs: values.request_timeout_secs * 1000,
    graceMs: values.grace_secs * 1000,
    maxHeaderBytes: values.max_header_bytes,
    maxBodyBytes: values.max_body_bytes,
    corsOrigins: values.cors?.allow_origins ?? [],
    trustedProxies: values.trusted_proxies,
  }),
});

const postgresUrl = z.string().superRefine(acceptedBy(checkDatabaseUrl));

/** `[database]` */
export const databaseSection = defineSection({
  name: 'database',
  schema: z
    .strictObject({
      url: postgresUrl
        .optional()
        .meta({ secret: true })
        .describe('External PostgreSQL (15 or newer). Absent: an embedded one is started.'),
      direct_url: postgresUrl
        .optional()
        .meta({ secret: true })
        .describe('URL of PostgreSQL itself, to LISTEN there when `url` leads to a pooler.'),
      requests_url: postgresUrl
        .optional()
        .meta({ secret: true })
        .describe('URL with the login that requests run on, made by an administrator. Absent: one is made.'),
      prepared_statements: z
        .union([z.literal('auto'), z.boolean()], 'expected "auto", true or false')
        .default('auto')
        .describe('Whether statements are kept prepared. `auto`: until a pooler is seen.'),
      pool_max: z
        .int()
        .min(MINIMUM_POOL_MAX, `expected at least ${MINIMUM_POOL_MAX}, two connections for each pool`)
        .max(1000)
        .default(20)
        .describe('Most connections of all pools together.'),
      acquire_timeout_secs: seconds(0.1, 300).default(5).describe('Seconds a request waits for a connection.'),
    })
    .refine(({ url, direct_url }) => url !== undefined || direct_url === undefined, {
      path: ['direct_url'],
      message: 'needs database.url: the embedded PostgreSQL has no pooler in front of it',
    })
    .refine(({ url, requests_url }) => url !== undefined || requests_url === undefined, {
      path: ['requests_url'],
      message: 'needs database.url: the embedded PostgreSQL has its own login for requests',
    })
    .refine(({ url, requests_url }) => url === undefined || url !== requests_url, {
      path: ['requests_url'],
      message: 'must name a login other than that of database.url',
    }),
  toConfig: (values) => ({
    url: values.url,
    directUrl: values.direct_url,
    requestsUrl: values.requests_url,
    preparedStatements: values.prepared_statements,
    poolMax: values.pool_max,
    acquireTimeoutMs: values.acquire_timeout_secs * 1000,
  }),
});

/** `[events]` */
export const eventsSection = defineSection({
  name: 'events',
  schema: z.strictObject({
    poll_secs: seconds(0.1, 3600)
      // Each look reads the schema again: a large one should not be read every second.
      .default(5)
      .describe(
        'Seconds between two polls for changes while PostgreSQL cannot notify: behind a pooler, or out of reach.',
      ),
  }),
  toConfig: (values) => ({ pollMs: values.poll_secs * 1000 }),
});

/** `[tracing]` */
export const tracingSection = defineSection({
  name: 'tracing',
  schema: z.strictObject({
    filter: z
      .string()
      .superRefine(acceptedBy(parseFilter))
      .default('info')
      .describe('Which lines are written: `info,reactor_auth=debug`.'),
    fmt: z.enum(['json', 'pretty']).optional().describe('Form of a line. Unset: `pretty` on a terminal, else `json`.'),
    ring_bytes: z
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(4_194_304)
      .describe('Memory for the lines `/_admin/logs` can look back on.'),
  }),
  toConfig: (values) => ({ logFilter: values.filter, logFormat: values.fmt, logRingBytes: values.ring_bytes }),
});

/** `[admin]` */
export const adminSection = defineSection({
  name: 'admin',
  schema: z.strictObject({
    token: z
      .string()
      .min(32, 'expected at least 32 characters')
      .max(512)
      .regex(/^[A-Za-z0-9\-._~+/]+=*$/, 'expected only characters a bearer token may have')
      .meta({ secret: true })
      .describe('Bearer token of the operator.'),
    allow_remote: z.boolean().default(false).describe('Whether the admin token works from other machines.'),
  }),
  generatedSecrets: ['token'],
  toConfig: ({ token, allow_remote }) => ({ token, allowRemote: allow_remote }),
});

/** Sections that exist whatever is mounted. */
export const SERVER_SECTIONS = [
  projectSection,
  serverSection,
  databaseSection,
  eventsSection,
  tracingSection,
  adminSection,
];

/** Defaults where there is no file: nothing is meant to be reached from outside. */
export const DEFAULTS_WITHOUT_FILE = { project: { env: 'dev' }, server: { bind: '127.0.0.1:8000' } };
