import { type BlobStore, BlobSweeper, type Clock, type Database, type Result } from '@reactor/core';
import { BundleFolders } from './bundles/folder.js';
import type { FunctionsConfig } from './config.js';
import { Deployments } from './deployments.js';
import { Environment } from './environment.js';
import type { BunRuntime } from './runtime/bun.js';
import { createSecretBox, type SecretBox } from './secrets.js';
import { DeploymentStore } from './store/deployments.js';
import { EnvironmentStore } from './store/environment.js';
import { FunctionStore } from './store/functions.js';
import { BundleLedger } from './store/ledger.js';

/** What the lifecycle of functions works on. */
export interface LifecyclePorts {
  readonly database: Database;
  readonly blobs: BlobStore;
}

/** What the lifecycles of all tenants share. */
export interface SharedByLifecycles {
  readonly config: Pick<
    FunctionsConfig,
    'secret' | 'formerSecrets' | 'maxInstancesPerFunction' | 'defaultTimeoutMs' | 'bundleMaxBytes'
  >;
  bun(): Promise<BunRuntime>;
  readonly clock: Clock;
  /** Told how each deployment ended. */
  onDeployed(result: Result): void;
}

/** Functions from their creation to their end, apart from calls. */
export interface Lifecycle {
  readonly functions: FunctionStore;
  readonly deployments: Deployments;
  readonly environment: Environment;
  /** As it is kept, for who opens the secrets. */
  readonly variables: EnvironmentStore;
  readonly secrets: SecretBox;
  readonly folders: BundleFolders;
  readonly ledger: BundleLedger;
  readonly sweeper: BlobSweeper;
  start(): Promise<void>;
}

/** Makes the lifecycle of one tenant's functions. Opens nothing; it holds nothing that needs closing. */
export function createLifecycle({ database, blobs }: LifecyclePorts, shared: SharedByLifecycles): Lifecycle {
  const { config, bun, clock } = shared;
  const defaults = { timeoutMs: config.defaultTimeoutMs, maxInstances: config.maxInstancesPerFunction };
  const functions = new FunctionStore(database, defaults);
  const store = new DeploymentStore(database, defaults);
  const variables = new EnvironmentStore(database);
  const secrets = createSecretBox(config.secret, config.formerSecrets);
  const ledger = new BundleLedger(database);
  const folders = new BundleFolders({ bun, blobs, ledger });
  return {
    functions,
    deployments: new Deployments({
      functions,
      store,
      ledger,
      blobs,
      folders,
      maxBytes: config.bundleMaxBytes,
      onDeployed: shared.onDeployed,
    }),
    environment: new Environment({ functions, store: variables, secrets }),
    variables,
    secrets,
    folders,
    ledger,
    sweeper: new LifecycleSweeper({ ledger, blobs, clock }, store, folders),
    async start() {
      await blobs.prepare();
      await ledger.folder();
      await folders.start();
      await store.failLost();
    },
  };
}

/** Sweeps the bundles that no deployment has any more, and before that finds out which those are. */
class LifecycleSweeper extends BlobSweeper {
  readonly #store: DeploymentStore;
  readonly #folders: BundleFolders;

  constructor(options: ConstructorParameters<typeof BlobSweeper>[0], store: DeploymentStore, folders: BundleFolders) {
    super(options);
    this.#store = store;
    this.#folders = folders;
  }

  override async sweep(signal: AbortSignal) {
    await this.#store.failLost();
    const result = await super.sweep(signal);
    // Last: the disk of this server may be away, and bundles go all the same.
    await this.#folders.prune(await this.#store.ready());
    return result;
  }
}
