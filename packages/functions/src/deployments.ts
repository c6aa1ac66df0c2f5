import {
  type BlobStore,
  coreErrors,
  DeadlineExceeded,
  ReactorError,
  type Result,
  reasonOf,
  resultOf,
  uuidv7,
  withTimeout,
} from '@reactor/core';
import type { BundleFolders } from './bundles/folder.js';
import { type IncomingBundle, receiveBundle } from './bundles/receive.js';
import type { Deployment, DeploymentRecord } from './deployment.js';
import { type DeploymentRef, type DeploymentStore, deploymentNotFound, type Promotion } from './store/deployments.js';
import type { FunctionStore } from './store/functions.js';
import type { BundleLedger } from './store/ledger.js';

/** What deploying works on. */
export interface DeploymentsOptions {
  readonly functions: Pick<FunctionStore, 'get'>;
  readonly store: DeploymentStore;
  readonly ledger: Pick<BundleLedger, 'folder'>;
  readonly blobs: Pick<BlobStore, 'put' | 'delete'>;
  readonly folders: Pick<BundleFolders, 'admit'>;
  /** Of an archive as it comes. */
  readonly maxBytes: number;
  /** Told how each deployment ended. */
  onDeployed?(result: Result): void;
}

/** What deploying a bundle came to. */
export interface Deployed {
  readonly deployment: Deployment;
  /** Whether this made it: false when a ready one had the same bundle. */
  readonly created: boolean;
}

/**
 * Milliseconds for unpacking, building and importing a bundle, with the wait for others: below the lease of a pending
 * deployment, so that none is given up while its server still works on it.
 */
const ADMIT_TIMEOUT_MS = 90_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The last digits are random, the first are the time: by them, blobs spread over 256 folders. */
function newBlobKey(folder: string): string {
  const id = uuidv7();
  return `${folder}/${id.slice(-2)}/${id}`;
}

/** Versions of functions: in which order bytes, rows and folders change. */
export class Deployments {
  readonly #options: DeploymentsOptions;

  constructor(options: DeploymentsOptions) {
    this.#options = options;
  }

  /**
   * Takes a bundle in, builds it and imports it once. From the moment that it has come in whole, it becomes a version, which
   * is ready or failed in the end, whether the client waits for it or not.
   * @param promote makes it the current one as it becomes ready
   * @throws ReactorError `function_not_found` (404), as `receiveBundle` and `BundleFolders.admit` do, `response_timeout`
   *   (504)
   */
  async deploy(functionName: string, incoming: IncomingBundle, promote: boolean): Promise<Deployed> {
    const { onDeployed } = this.#options;
    try {
      const deployed = await this.#deploy(functionName, incoming, promote);
      onDeployed?.('ok');
      return deployed;
    } catch (error) {
      onDeployed?.(incoming.signal.aborted ? 'aborted' : resultOf(error));
      throw error;
    }
  }

  async #deploy(functionName: string, incoming: IncomingBundle, promote: boolean): Promise<Deployed> {
    const { functions, store, ledger, blobs, maxBytes } = this.#options;
    // To save the client a useless upload.
    await functions.get(functionName);
    const blobKey = newBlobKey(await ledger.folder());
    const { size, sha256 } = await receiveBundle(incoming, { blobs, blobKey, maxBytes });
    const begun = await this.#begin(functionName, { id: uuidv7(), blobKey, sha256, sizeBytes: size });
    if ('same' in begun) {
      await blobs.delete(blobKey);
      if (promote) await store.promote(functionName, { id: begun.same.id });
      return { deployment: begun.same, created: false };
    }
    return this.#admit(functionName, { ...begun.pending, blobKey }, promote);
  }

  async #begin(functionName: string, fresh: Parameters<DeploymentStore['begin']>[1]) {
    try {
      return await this.#options.store.begin(functionName, fresh);
    } catch (error) {
      // After any other error the commit may have gone through, and the blob be in use: the sweeper will tell.
      if (error instanceof ReactorError && error.status < 500) await this.#options.blobs.delete(fresh.blobKey);
      throw error;
    }
  }

  async #admit(
    functionName: string,
    pending: DeploymentRecord & { readonly blobKey: string },
    promote: boolean,
  ): Promise<Deployed> {
    const { store, folders } = this.#options;
    try {
      const settings = await withTimeout(ADMIT_TIMEOUT_MS, (signal) => folders.admit(pending, signal));
      const deployment = await store.finish(functionName, pending, settings, promote);
      return { deployment, created: deployment.id === pending.id };
    } catch (error) {
      const shown = error instanceof DeadlineExceeded ? tooSlow(error) : error;
      // Where that fails too, or the function has gone, the lease ends it: the first error is the one to tell.
      await store.fail(functionName, pending.id, whyOf(shown)).catch(() => {});
      throw shown;
    }
  }

  /** @throws ReactorError `function_not_found` (404) */
  async list(functionName: string, limit: number): Promise<readonly DeploymentRecord[]> {
    const { id } = await this.#options.functions.get(functionName);
    return this.#options.store.list(id, limit);
  }

  /** @throws ReactorError `function_not_found`, `deployment_not_found` (404) */
  async get(functionName: string, id: string): Promise<DeploymentRecord> {
    const { id: functionId } = await this.#options.functions.get(functionName);
    return this.#options.store.get(functionId, assertId(id));
  }

  /**
   * Makes a ready deployment the current one; without `ref` the newest. Calls that run stay with the former one.
   * @throws ReactorError `function_not_found` (404), `deployment_not_found` (404), `invalid_request` (400) for one that is
   *   not ready
   */
  promote(functionName: string, ref: DeploymentRef | undefined): Promise<Promotion> {
    return this.#options.store.promote(functionName, checked(ref));
  }

  /**
   * Makes the highest ready version below the current one the current one, or the one that `ref` names.
   * @throws ReactorError as `promote` does, `no_earlier_deployment` (409)
   */
  rollBack(functionName: string, ref: DeploymentRef | undefined): Promise<Promotion> {
    return this.#options.store.rollBack(functionName, checked(ref));
  }
}

/** What is no id is not looked up: PostgreSQL would refuse it. @throws ReactorError `deployment_not_found` (404) */
function assertId(id: string): string {
  if (!UUID.test(id)) throw deploymentNotFound();
  return id;
}

function checked(ref: DeploymentRef | undefined): DeploymentRef | undefined {
  if (ref !== undefined && 'id' in ref) assertId(ref.id);
  return ref;
}

/** For the operator, who reads it in the list of deployments. */
function whyOf(error: unknown): string {
  // PostgreSQL has no text with NUL.
  const why =
    error instanceof ReactorError && error.status < 500 ? error.message : `the server failed: ${reasonOf(error)}`;
  return why.replaceAll('\0', '\uFFFD');
}

function tooSlow(cause: DeadlineExceeded) {
  return coreErrors.create.response_timeout(
    `The bundle was not unpacked, built and imported within ${ADMIT_TIMEOUT_MS / 1000} s.`,
    { cause },
  );
}
