import {
  counter,
  createSweepMetrics,
  gauge,
  histogram,
  type MetricsContributor,
  metricsContributor,
  openLabel,
  RESULTS,
  type Result,
  type SweepMetrics,
} from '@reactor/core';
import { KILL_REASONS, type KillReason } from './runtime/instance.js';

/** What happened, in the words of functions. Names of functions come only from functions that exist. */
export interface FunctionsMetrics {
  readonly contributor: MetricsContributor;
  invocation(name: string, result: Result, seconds: number, isCold: boolean): void;
  waited(seconds: number): void;
  timedOut(name: string): void;
  killed(reason: KillReason): void;
  crashed(name: string): void;
  coldStart(name: string, seconds: number): void;
  deployed(result: Result): void;
  /** Processes of a function on this server: by how many they change. */
  poolSize(name: string, change: number): void;
  /** CPU time that a process of a function has used since it was last looked at. */
  usedCpu(name: string, seconds: number): void;
  /** Of all processes of a function on this server. */
  resident(name: string, bytes: number): void;
  readonly sweeps: SweepMetrics;
}

/** Functions with series of their own; later ones share `_other`. */
const MAX_FUNCTIONS = 500;
const RUNTIMES = ['bun'] as const;
/** Seconds. From a warm call that computes nothing to the longest that one may take. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** Seconds. Bun needs some 20 ms; what a module does as it is imported comes on top. */
const COLD_START_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds. Nobody waits longer than one. */
const WAIT_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export function createFunctionsMetrics(): FunctionsMetrics {
  const name = openLabel(MAX_FUNCTIONS);
  const invocations = counter({
    name: 'reactor_fn_invocations_total',
    help: 'Finished calls of functions: ok below 500, failed for a 5xx of the handler, a throw, a crash or a time-out, rejected when not started, aborted when the client left',
    moves: 'once per call, when its answer has been sent, or its client has left',
    unit: 'none',
    labels: { function: name, runtime: RUNTIMES, status: RESULTS },
  });
  const duration = histogram({
    name: 'reactor_fn_invoke_duration_seconds',
    help: 'Time from a call reaching functions to the head of its answer, waiting and starting included',
    moves: 'once per call that was started',
    unit: 'seconds',
    labels: { function: name, runtime: RUNTIMES, cold_start: ['true', 'false'] },
    buckets: DURATION_BUCKETS,
  });
  const warm = gauge({
    name: 'reactor_fn_warm_pool_size',
    help: 'Processes of a function on this server',
    moves: 'as they start and end',
    unit: 'none',
    labels: { function: name },
  });
  const wait = histogram({
    name: 'reactor_fn_queue_wait_seconds',
    help: 'Time that a call waited for a process of its function, one that was started for it included',
    moves: 'once per call that was started',
    unit: 'seconds',
    buckets: WAIT_BUCKETS,
  });
  const timeouts = counter({
    name: 'reactor_fn_timeouts_total',
    help: 'Calls that had not ended within the time limit of their function',
    moves: 'once per call, when its time is up',
    unit: 'none',
    labels: { function: name },
  });
  const kills = counter({
    name: 'reactor_fn_kills_total',
    help: 'Processes of functions that were killed: for their memory, for not reacting, for not starting, at a stop, for a broken channel',
    moves: 'once per process',
    unit: 'none',
    labels: { reason: KILL_REASONS },
  });
  const crashes = counter({
    name: 'reactor_fn_crashes_total',
    help: 'Processes of functions that ended by themselves',
    moves: 'once per process',
    unit: 'none',
    labels: { function: name },
  });
  const coldStarts = histogram({
    name: 'reactor_fn_cold_start_duration_seconds',
    help: 'Time from starting a process to its being ready, the import of its module included',
    moves: 'once per process that became ready',
    unit: 'seconds',
    labels: { function: name },
    buckets: COLD_START_BUCKETS,
  });
  const cpu = counter({
    name: 'reactor_fn_process_cpu_seconds_total',
    help: 'CPU time of the processes of a function on this server, user and system; 0 where there is no /proc',
    moves: 'ten times a second, from /proc',
    unit: 'seconds',
    labels: { function: name },
  });
  const resident = gauge({
    name: 'reactor_fn_process_resident_bytes',
    help: 'Resident memory of the processes of a function on this server; 0 where there is no /proc',
    moves: 'ten times a second, from /proc',
    unit: 'bytes',
    labels: { function: name },
  });
  const deployments = counter({
    name: 'reactor_fn_deployments_total',
    help: 'Deployments of functions, by how they ended',
    moves: 'once per bundle that was sent',
    unit: 'none',
    labels: { result: RESULTS },
  });
  const sweeps = createSweepMetrics('functions');
  return {
    sweeps,
    contributor: metricsContributor([
      invocations,
      duration,
      warm,
      wait,
      timeouts,
      kills,
      crashes,
      coldStarts,
      cpu,
      resident,
      deployments,
      ...sweeps.families,
    ]),
    invocation(fn, status, seconds, isCold) {
      invocations.child({ function: fn, runtime: 'bun', status }).inc();
      if (status === 'rejected') return;
      duration.child({ function: fn, runtime: 'bun', cold_start: isCold ? 'true' : 'false' }).observe(seconds);
    },
    waited: (seconds) => wait.child({}).observe(seconds),
    timedOut: (fn) => timeouts.child({ function: fn }).inc(),
    killed: (reason) => kills.child({ reason }).inc(),
    crashed: (fn) => crashes.child({ function: fn }).inc(),
    coldStart: (fn, seconds) => coldStarts.child({ function: fn }).observe(seconds),
    deployed: (result) => deployments.child({ result }).inc(),
    usedCpu: (fn, seconds) => cpu.child({ function: fn }).inc(seconds),
    resident: (fn, bytes) => resident.child({ function: fn }).set(bytes),
    poolSize: (fn, change) => warm.child({ function: fn }).inc(change),
  };
}
