import type { TestServer } from './server.js';

export interface SignedUp {
  readonly user: { readonly id: string; readonly email: string };
  readonly access_token: string;
  readonly refresh_token: string;
}

let people = 0;

export const PASSWORD = 'correct horse battery';

/** A new account. @param clientAddress as a proxy in front would tell it, for a server that trusts one */
export async function signUp(
  server: TestServer,
  email = `person-${process.pid}-${++people}@example.com`,
  clientAddress?: string,
): Promise<SignedUp> {
  const response = await fetch(`${server.url}/auth/v1/signup`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(clientAddress === undefined ? {} : { 'X-Forwarded-For': clientAddress }),
    },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  if (response.status !== 201) throw new Error(`sign-up: ${response.status} ${await response.text()}`);
  return (await response.json()) as SignedUp;
}

export async function createBucket(server: TestServer, slug: string, isPublic = false): Promise<void> {
  const response = await server.admin('/storage/v1/buckets', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ slug, is_public: isPublic }),
  });
  if (response.status !== 201) throw new Error(`bucket: ${response.status} ${await response.text()}`);
}

export function putObject(server: TestServer, token: string, key: string, body: BodyInit): Promise<Response> {
  return fetch(`${server.url}/storage/v1/object/${key}`, {
    method: 'PUT',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/octet-stream' },
    body,
  });
}

export interface HealthBody {
  readonly status: string;
  readonly capabilities: Readonly<Record<string, string>>;
  readonly failing?: readonly string[];
  readonly errors?: Readonly<Record<string, string>>;
}

/** `/health` with the time its answer took, milliseconds. */
export async function health(server: TestServer): Promise<{ status: number; body: HealthBody; tookMs: number }> {
  const started = performance.now();
  const response = await fetch(`${server.url}/health`);
  return { status: response.status, body: (await response.json()) as HealthBody, tookMs: performance.now() - started };
}

export interface Check {
  readonly name: string;
  readonly status: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly caused_by?: string;
}
export type Doctor = Readonly<Record<string, { readonly status: string; readonly checks: readonly Check[] }>>;

export async function doctor(server: TestServer): Promise<{ status: number; body: Doctor }> {
  const response = await server.admin('/_admin/doctor');
  return { status: response.status, body: (await response.json()) as Doctor };
}

/** The checks that fail for a reason of their own, as `capability.check`. */
export function rootCauses(report: Doctor): string[] {
  return Object.entries(report).flatMap(([name, { checks }]) =>
    checks
      .filter((check) => check.status === 'fail' && check.caused_by === undefined)
      .map((check) => `${name}.${check.name}`),
  );
}
