import type { Hono } from 'hono';
import type { ReactorEnv } from './http/env.js';
import type { MetricsContributor } from './metrics/contributor.js';
import type { Clock, Logger } from './ports.js';

/** The six capabilities, in migration and start order. Stopping goes the other way round. */
export const CAPABILITY_NAMES = ['auth', 'data', 'storage', 'functions', 'jobs', 'sites'] as const;
export type CapabilityName = (typeof CAPABILITY_NAMES)[number];

/** Values of the `capability` label: a capability, or `server` for everything that belongs to none. */
export const CAPABILITY_LABELS = [...CAPABILITY_NAMES, 'server'] as const;
export type CapabilityLabel = (typeof CAPABILITY_LABELS)[number];

/** One unit of Reactor: routes and what is needed to see into them. */
export interface Capability {
  /** Also the `capability` label and the `[section]` of Reactor.toml. */
  readonly name: CapabilityName;
  /** Semantic version, shown by `GET /_admin/version`. */
  readonly version: string;
  /** Mount point, e.g. `/fn/v1` for functions. */
  readonly basePath: `/${string}/v1`;
  readonly routes: Hono<ReactorEnv>;
  /** Whether its routes bound request bodies themselves, as they stream in; else the server's limit holds. */
  readonly limitsBodies?: boolean;
  /** Paths outside `basePath`: `/.well-known/*`, sites served by Host. Mounted after every `basePath`. */
  readonly rootRoutes?: Hono<ReactorEnv>;
  /** Numbered SQL of the schema it owns, applied before `start` (`[]` when it has none). */
  readonly migrations: readonly Migration[];
  /** SQL that the operator brings, applied after the migrations of every capability. */
  readonly appMigrations?: AppMigrationRunner;
  readonly metrics: MetricsContributor;
  readonly health: HealthCheck;
  readonly probes: readonly DoctorProbe[];
  /** Opens connections, starts loops. Rejects when it cannot serve; the server then exits. */
  start(): Promise<void>;
  /** Takes no new work, drains, closes. Safe before `start` and twice; returns once `deadline` aborts. */
  stop(deadline: AbortSignal): Promise<void>;
}

/** What a capability gets besides its config; `Ports` are the collaborators it names in its own signature. */
export interface CapabilityContext {
  readonly logger: Logger;
  readonly clock: Clock;
}

export type CreateCapability<Config, Ports = unknown> = (
  config: Config,
  context: CapabilityContext & Ports,
) => Capability;

/** One numbered SQL file. Its checksum is taken over `sql`, so an applied file must never change. */
export interface Migration {
  /** `0001_create_buckets`: four digits, then snake_case; unique within the capability, applied in ascending order. */
  readonly id: string;
  readonly sql: string;
}

/** The app's own migrations, as they lie where the configuration says. */
export interface AppMigrationRunner {
  /**
   * Applies what is pending, in order.
   * @returns names of what this call applied
   * @throws ReactorError naming the migration and what PostgreSQL said; what came before it stays applied
   */
  apply(): Promise<readonly string[]>;
  /** Tries what is pending and undoes it. @returns names of what `apply` would apply @throws as `apply` */
  dryRun(): Promise<readonly string[]>;
}

/** For load balancers: may this instance take traffic? Two-valued on purpose. */
export interface HealthCheck {
  /** Milliseconds after which a check without an answer counts as failed. */
  readonly timeoutMs: number;
  /** Cheap: spawns nothing, writes nothing. Rejecting counts as failed. */
  check(signal: AbortSignal): Promise<HealthResult>;
}

/** `reason` is public: no hosts, credentials or tenant names. */
export type HealthResult = { readonly status: 'ok' } | { readonly status: 'error'; readonly reason: string };

/** For operators: what is wrong and what to do. On demand, may be slow, cleans up after itself. */
export interface DoctorProbe {
  /** snake_case wire name, unique in the capability: `db_ping`. */
  readonly name: string;
  readonly timeoutMs: number;
  /**
   * What must work first, as `<resource>` that some probe `provides`, e.g. `['database']`; a failure there is shown
   * once, as the cause.
   */
  readonly dependsOn?: readonly string[];
  /** The resource this probe vouches for, e.g. `database`. */
  readonly provides?: string;
  run(signal: AbortSignal): Promise<ProbeResult>;
}

export type ProbeResult =
  | { readonly status: 'ok'; readonly message?: string }
  | {
      readonly status: 'warn' | 'fail';
      /** What is wrong, for the operator's eyes. No secrets. */
      readonly message: string;
      /** The next thing to do, as an instruction. */
      readonly remedy: string;
      /** snake_case, stable, for scripts. */
      readonly code?: string;
    };
