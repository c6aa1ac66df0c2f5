import type { Hono } from 'hono';
import type { CapabilityName } from './capability-name.js';
import type { ReactorEnv } from './http/env.js';
import type { MetricsContributor } from './metrics/contributor.js';
import type { Clock } from './ports/clock.js';
import type { Logger } from './ports/logger.js';

/** One unit of Reactor: routes and what is needed to see into them. */
export interface Capability {
  readonly name: CapabilityName;
  /** Semantic version, shown by `GET /_admin/version`. */
  readonly version: string;
  /** Mount point, e.g. `/fn/v1` for functions. */
  readonly basePath: `/${string}/v1`;
  readonly routes: Hono<ReactorEnv>;
  /**
   * Paths below `basePath` that are the operator's alone, as patterns of Hono: `/_admin/*`. They do not exist on hosts that
   * another capability answers.
   */
  readonly operatorPaths?: readonly `/${string}`[];
  /** Headers of its answers that a page of another origin may read, beside those of every answer. */
  readonly exposedHeaders?: readonly string[];
  /** Whether its routes read cookies; pages of other origins send none to other capabilities. */
  readonly usesCookies?: true;
  /** Hosts that it answers itself, looked at before any path: those of sites. */
  readonly hosts?: HostRoutes;
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

/** What a capability answers on hosts of its own. */
export interface HostRoutes {
  /**
   * Whether `host` (lower case, without port and final dot) is one of its own. From memory: a host that is not known yet
   * is not claimed, and looking it up in the background begins at most once a second.
   */
  claims(host: string): boolean;
  readonly routes: Hono<ReactorEnv>;
}

/** 1 MiB: room for what operators write by hand. */
export const MAX_BODY_BYTES = 1_048_576;

/** What a capability gets in addition to its config and its ports. */
export interface CapabilityContext {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Largest body in bytes of a route that has no limit of its own. Default `MAX_BODY_BYTES`. */
  readonly maxBodyBytes?: number;
}

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

/** What several probes depend on: the database, the place of the blobs and the room there, what runs functions. */
export type Resource = 'database' | 'blobs' | 'blob_space' | 'runtime';

/** For operators: what is wrong and what to do. On demand, may be slow, cleans up after itself. */
export interface DoctorProbe {
  /** snake_case wire name, unique in the capability: `db_ping`. */
  readonly name: string;
  readonly timeoutMs: number;
  /** What must work first; a failure there is shown once, as the cause. */
  readonly dependsOn?: readonly Resource[];
  /** The resource this probe checks for the others. */
  readonly provides?: Resource;
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
