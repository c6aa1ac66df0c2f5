import type { Context } from 'hono';
import type { ReactorEnv } from '../http/env.js';
import type { RequestSignal } from '../http/request-signal.js';
import type { Principal } from '../principal.js';

/** A call of a function by another capability, which has decided who may make it. */
export interface FunctionCall {
  readonly name: string;
  /** Path and query are what the function sees. */
  readonly request: Request;
  readonly requestId: string;
  /** Who the function is told calls. */
  readonly principal: Principal;
  /** Gives the call up. */
  readonly signal: RequestSignal;
}

/** Functions, in process: for jobs and sites. */
export interface FunctionInvoker {
  /**
   * The answer of the function; its body may still be on its way, and is to be read or cancelled.
   * @param context of the request that it belongs to, which says for which tenant
   * @throws ReactorError `function_not_found` (404), `too_many_requests` (429), `function_crashed` (500), `runtime_error` (502),
   *   `deployment_not_ready`, `cold_start_failed` (503), `function_timeout` (504), and what else a call is answered with
   */
  invoke(call: FunctionCall, context?: Context<ReactorEnv>): Promise<Response>;
}
