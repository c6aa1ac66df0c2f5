import { isIP } from 'node:net';
import { parseFilter } from '@reactor/observability';
import { MINIMUM_POOL_MAX } from '@reactor/postgres';
import { z } from 'zod';

/** Splits `127.0.0.1:8000` or `[::1]:8000`. Undefined when it is neither. */
export function parseBind(text: string): { readonly host: string; readonly port: number } | undefined {
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

function checkFilter(text: string, context: z.RefinementCtx): void {
  try {
    parseFilter(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message });
  }
}

export const projectSection = z.strictObject({
  name: z.string().min(1).max(63).describe('Display name.'),
  id: z.uuid().optional().describe('Immutable id of the project.'),
  env: z
    .enum(['dev', 'preview', 'production'])
    .describe('Outside `dev`, secrets must be configured and sign-up is closed by default.'),
});

export const serverSection = z.strictObject({
  bind: z
    .string()
    .refine(
      (text) => parseBind(text) !== undefined,
      'expected <IPv4 address or localhost>:<port> or [<IPv6 address>]:<port>',
    )
    .describe('Address and port of everything: API, metrics, health, admin.'),
  state_dir: z.string().min(1).describe('The one folder with everything local, relative to the project directory.'),
  request_timeout_secs: seconds(0.1, 3600).describe('Seconds a request may go without progress before it is given up.'),
  grace_secs: seconds(0, 300).describe(
    'Seconds of answering as not ready before a stop begins; longer than the load balancer needs to notice.',
  ),
  max_header_bytes: z
    .number()
    .int()
    .min(1024)
    .max(1_048_576)
    .describe('Limit of the request line and headers together.'),
  max_body_bytes: z
    .number()
    .int()
    .min(1024)
    .max(1_073_741_824)
    .describe('Limit of a request body, except where a capability has its own.'),
  cors: z
    .strictObject({ allow_origins: z.array(origin).min(1) })
    .optional()
    .describe(
      '`{ allow_origins = ["https://app.example.com"] }`: exact web origins whose pages may call this server, with cookies below `/auth/v1`. Off when absent.',
    ),
  trusted_proxies: z.array(cidr).describe('Proxies whose `X-Forwarded-For` is believed.'),
});

const postgresUrl = z.string().regex(/^postgres(ql)?:\/\//, 'expected postgresql://user:password@host:port/database');

export const databaseSection = z
  .strictObject({
    url: postgresUrl
      .optional()
      .meta({ secret: true })
      .describe('External PostgreSQL (15 or newer). Absent: an embedded one is started.'),
    direct_url: postgresUrl
      .optional()
      .meta({ secret: true })
      .describe('Where `url` leads to a pooler: PostgreSQL itself, to LISTEN there.'),
    requests_url: postgresUrl
      .optional()
      .meta({ secret: true })
      .describe('A login made by an administrator, that requests run on. Absent: one is made.'),
    prepared_statements: z
      .union([z.literal('auto'), z.boolean()], 'expected "auto", true or false')
      .describe('Whether statements are kept prepared. `auto`: until a pooler is seen.'),
    pool_max: z
      .number()
      .int()
      .min(MINIMUM_POOL_MAX, `expected at least ${MINIMUM_POOL_MAX}, two connections for each pool`)
      .max(1000)
      .describe('Most connections of all pools together.'),
    acquire_timeout_secs: seconds(0.1, 300).describe('Seconds a request waits for a connection.'),
  })
  .refine(({ url, direct_url }) => url !== undefined || direct_url === undefined, {
    path: ['direct_url'],
    message: 'needs database.url: the embedded PostgreSQL has no pooler before it',
  })
  .refine(({ url, requests_url }) => url !== undefined || requests_url === undefined, {
    path: ['requests_url'],
    message: 'needs database.url: the embedded PostgreSQL has its own login for requests',
  })
  .refine(({ url, requests_url }) => url === undefined || url !== requests_url, {
    path: ['requests_url'],
    message: 'must name another login than database.url',
  });

export const tracingSection = z.strictObject({
  filter: z.string().superRefine(checkFilter).describe('Which lines are written: `info,reactor_auth=debug`.'),
  fmt: z.enum(['json', 'pretty']).optional().describe('Form of a line. Unset: `pretty` on a terminal, else `json`.'),
  ring_bytes: z
    .number()
    .int()
    .min(65_536)
    .max(1_073_741_824)
    .describe('Memory for the lines `/_admin/logs` can look back on.'),
});

export const adminSection = z.strictObject({
  token: z
    .string()
    .min(32, 'expected at least 32 characters')
    .max(512)
    .regex(/^[A-Za-z0-9\-._~+/]+=*$/, 'expected only characters a bearer token may have')
    .meta({ secret: true })
    .describe('Bearer token of the operator.'),
  allow_remote: z.boolean().describe('Whether the admin token works from other machines.'),
});
