import type { BlobStore, Clock, Database, DoctorProbe, HealthCheck, Logger, TokenVerifier } from '@reactor/core';
import { builtModule } from './bundles/build.js';
import { Catalogue } from './catalogue.js';
import type { FunctionsConfig } from './config.js';
import type { LiveFunction } from './deployment.js';
import { functionsHealth } from './health.js';
import { Invoker } from './invoke/invoker.js';
import { createLifecycle, type Lifecycle } from './lifecycle.js';
import type { FunctionsMetrics } from './metrics.js';
import { functionsProbes } from './probes.js';
import type { BunRuntime } from './runtime/bun.js';
import type { EnvironmentValues } from './runtime/messages.js';
import type { FunctionRuntime } from './runtime/runtime.js';
import { FunctionTokens } from './service-tokens.js';

/** The collaborators of functions. */
export interface FunctionsPorts {
  readonly database: Database;
  readonly tokens: TokenVerifier;
  readonly blobs: BlobStore;
}

/** What functions has once per tenant. */
export interface FunctionsService extends FunctionsPorts, Lifecycle {
  readonly catalogue: Catalogue;
  readonly invoker: Invoker;
  readonly serviceTokens: FunctionTokens;
  readonly health: HealthCheck;
  readonly probes: readonly DoctorProbe[];
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What all services of functions share. */
export interface SharedByServices {
  readonly config: FunctionsConfig;
  readonly metrics: FunctionsMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runtime: FunctionRuntime;
  readonly binary: string;
  bun(): Promise<BunRuntime>;
  /** Where functions reach the server. */
  readonly url: string | undefined;
}

/** Makes the service of one tenant. Opens nothing. */
export function createFunctionsService(ports: FunctionsPorts, shared: SharedByServices): FunctionsService {
  const { database, blobs } = ports;
  const { config, metrics, clock, logger, runtime, bun, binary, url } = shared;
  const catalogue: Catalogue = new Catalogue({
    database,
    clock,
    live: (name) => lifecycle.functions.live(name),
    environment: (fn) => environmentOf(fn),
    onChange: (before) => void retireFormer(before),
  });
  const lifecycle = createLifecycle(ports, { config, bun, clock, onDeployed: (result) => metrics.deployed(result) });
  const { functions, variables, secrets, folders } = lifecycle;

  async function environmentOf({ id, environmentRevision }: LiveFunction): Promise<EnvironmentValues> {
    const values = Object.fromEntries(
      (await variables.all(id)).map(({ key, value, sealed }) => [
        key,
        sealed === undefined ? (value ?? '') : secrets.open(id, key, sealed),
      ]),
    );
    return { revision: environmentRevision, values: url === undefined ? values : { ...values, REACTOR_URL: url } };
  }

  /** What does not answer any more ends, and is not kept until it has been idle for long. */
  async function retireFormer({ id, name, deployment }: LiveFunction): Promise<void> {
    if (deployment === undefined) return;
    try {
      const now = await functions.live(name);
      if (now?.deployment?.id !== deployment.id) runtime.retire(id, deployment.id);
    } catch {
      // The database is away: it ends when it has been idle, or with the next call of another version.
    }
  }

  const serviceTokens = new FunctionTokens({
    ...config,
    catalogue,
    clock,
    audit: logger.target('reactor_functions::audit'),
  });
  const invoker = new Invoker({
    catalogue,
    runtime,
    metrics,
    clock,
    tokenFor: (name) => serviceTokens.sign(name),
    runnable: ({ name, deployment }) => ({
      name,
      deployment,
      open: async (signal) => builtModule(await folders.open(deployment, signal), deployment.settings.entry),
    }),
  });
  return {
    ...ports,
    ...lifecycle,
    catalogue,
    invoker,
    serviceTokens,
    health: functionsHealth({ database, blobs, binary, lastFault: () => runtime.lastFault }),
    get probes() {
      return functionsProbes({
        database,
        blobs,
        bun,
        runtime,
        maxProcesses: config.maxProcesses,
        all: (options) => functions.allLive(options),
        variables: (id) => variables.all(id),
        secrets,
      });
    },
    async start() {
      await lifecycle.start();
      catalogue.start();
    },
    stop: () => catalogue.stop(),
  };
}
