import {
  type BlobStore,
  type Database,
  type DoctorProbe,
  databasePingProbe,
  databaseProbe,
  type ProbeResult,
  reasonOf,
} from '@reactor/core';
import { run } from '@reactor/processes';
import type { LiveFunction } from './deployment.js';
import type { BunRuntime } from './runtime/bun.js';
import type { FunctionRuntime } from './runtime/runtime.js';
import type { SecretBox } from './secrets.js';
import type { StoredVariable } from './store/environment.js';

export interface FunctionsProbesOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly bun: () => Promise<BunRuntime>;
  readonly runtime: Pick<FunctionRuntime, 'failures' | 'instances'>;
  readonly maxProcesses: number;
  /** Every function, with its current deployment. */
  all(options: { readonly signal: AbortSignal }): Promise<readonly LiveFunction[]>;
  variables(functionId: string): Promise<readonly StoredVariable[]>;
  readonly secrets: SecretBox;
}

/** What the doctor asks of functions. Works without `start`, so also while the server is down. */
export function functionsProbes(options: FunctionsProbesOptions): readonly DoctorProbe[] {
  return [
    databasePingProbe(options.database),
    ...options.blobs.probes,
    bunStarts(options),
    account(options),
    bundles(options),
    secrets(options),
    processes(options),
    ...[...options.runtime.failures()].map(([name, reason]) => broken(name, reason)),
  ];
}

/** A start takes some 20 ms; a machine that is busy may need a hundred times that. */
const START_TIMEOUT_MS = 5_000;

function bunStarts({ bun }: FunctionsProbesOptions): DoctorProbe {
  return {
    name: 'bun',
    provides: 'runtime',
    timeoutMs: START_TIMEOUT_MS,
    async run(): Promise<ProbeResult> {
      const remedy =
        'Install the dependencies again, so that the package "bun" has its executable for this machine; where the ' +
        'server runs as root, the account of functions must be able to read and execute it.';
      try {
        const { binary, account } = await bun();
        const args = ['--no-install', '-e', 'process.stdout.write(Bun.version)'];
        const { exitCode, stdout, stderr } = await run(binary, args, { env: { PATH: '/usr/bin:/bin' }, account });
        if (exitCode === 0) return { status: 'ok', message: `Bun ${stdout}` };
        const message = `Bun ended with exit code ${exitCode}: ${stderr.trim().slice(0, 500)}`;
        return { status: 'fail', code: 'runtime_unavailable', message, remedy };
      } catch (error) {
        return {
          status: 'fail',
          code: 'runtime_unavailable',
          message: `Bun does not start: ${reasonOf(error)}`,
          remedy,
        };
      }
    },
  };
}

function account({ bun }: FunctionsProbesOptions): DoctorProbe {
  return {
    name: 'account',
    timeoutMs: 1_000,
    dependsOn: ['runtime'],
    async run(): Promise<ProbeResult> {
      const { account: own } = await bun();
      if (own !== undefined) return { status: 'ok', message: `functions run as ${own.name}` };
      return {
        status: 'warn',
        code: 'functions_share_account',
        message: 'Functions run under the account of the server: their code can read what the server can.',
        remedy:
          'Deploy only code that you trust as much as the server. To separate them, start the server as root: it then ' +
          'runs functions as "reactor-functions" where there is such an account, else as "nobody".',
      };
    },
  };
}

function bundles({ database, blobs, all }: FunctionsProbesOptions): DoctorProbe {
  return databaseProbe({
    name: 'bundles',
    timeoutMs: 5_000,
    dependsOn: ['database', 'blobs'],
    database,
    async run(signal): Promise<ProbeResult> {
      const promoted = (await all({ signal })).flatMap(({ name, deployment }) =>
        deployment === undefined ? [] : [{ name, ...deployment }],
      );
      for (const { name, version, blobKey, sizeBytes } of promoted) {
        signal.throwIfAborted();
        const blob = await blobs.head(blobKey);
        if (blob?.size === sizeBytes) continue;
        const found = blob === undefined ? 'is missing' : `has ${blob.size} bytes instead of ${sizeBytes}`;
        return {
          status: 'fail',
          code: 'bundle_missing',
          message: `The bundle of ${name}, version ${version}, ${found}.`,
          remedy: `Deploy ${name} again, or restore the folder "blobs" from the same backup as the database.`,
        };
      }
      return { status: 'ok', message: `the bundles of ${promoted.length} functions are there` };
    },
  });
}

function secrets({ database, all, variables, secrets: box }: FunctionsProbesOptions): DoctorProbe {
  return databaseProbe({
    name: 'secrets',
    timeoutMs: 5_000,
    database,
    async run(signal): Promise<ProbeResult> {
      let count = 0;
      for (const { id, name } of await all({ signal })) {
        signal.throwIfAborted();
        for (const { key, sealed } of await variables(id)) {
          if (sealed === undefined) continue;
          count += 1;
          try {
            box.open(id, key, sealed);
          } catch {
            return {
              status: 'fail',
              code: 'secrets_unreadable',
              message: `The secret ${key} of ${name} was sealed with another functions.secret.`,
              remedy: `Add the earlier value to functions.former_secrets, or set the secret again: PUT /fn/v1/_admin/functions/${name}/env/${key}.`,
            };
          }
        }
      }
      return { status: 'ok', message: `${count} secrets can be read` };
    },
  });
}

function processes({ runtime, maxProcesses }: FunctionsProbesOptions): DoctorProbe {
  return {
    name: 'processes',
    timeoutMs: 1_000,
    async run(): Promise<ProbeResult> {
      const { size } = runtime.instances;
      const message = `${size} of ${maxProcesses} processes`;
      if (size < maxProcesses) return { status: 'ok', message };
      return {
        status: 'warn',
        code: 'processes_exhausted',
        message: `${message} run: calls share them, or wait.`,
        remedy: 'Raise functions.max_processes where the machine has the memory, or lower functions.idle_ttl_secs.',
      };
    },
  };
}

/** @param name of a function whose last start failed */
function broken(name: string, reason: string): DoctorProbe {
  return {
    name: `function_${name.replaceAll('-', '_')}`,
    timeoutMs: 1_000,
    dependsOn: ['runtime'],
    async run(): Promise<ProbeResult> {
      return {
        status: 'fail',
        code: 'cold_start_failed',
        message: `No process of ${name} could be started: ${reason.split('\n')[0]}`,
        remedy: `Look for function=${name} in the log, target reactor_functions; deploy a repaired version, or roll back: POST /fn/v1/_admin/functions/${name}/rollback.`,
      };
    },
  };
}
