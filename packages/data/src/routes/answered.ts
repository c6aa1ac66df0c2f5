import {
  authenticate,
  type Principal,
  principalOf,
  type ReactorEnv,
  requestOf,
  resultOf,
  type Services,
} from '@reactor/core';
import type { Context, Handler } from 'hono';
import { toDataError } from '../errors.js';
import type { Operation, Refusal } from '../metrics.js';
import type { DataService } from '../service.js';

const REFUSED_BY: Readonly<Record<string, Refusal>> = {
  policy_denied: 'policy',
  permission_denied: 'privilege',
  row_security_off: 'row_security_off',
};

/**
 * A route's handler: finds out who calls, counts the operation by how it ends, and gives every error the members that
 * PostgREST's clients read.
 */
export function answered(
  services: Services<DataService>,
  operation: Operation,
  work: (c: Context<ReactorEnv>, principal: Principal, service: DataService) => Promise<Response>,
): Handler<ReactorEnv> {
  const identify = authenticate((c) => services.of(c).tokens);
  return async (c) => {
    const service = services.of(c);
    const { metrics } = service;
    try {
      await identify(c, async () => {});
      const answer = await work(c, principalOf(c), service);
      metrics.operation(operation, 'ok');
      return answer;
    } catch (cause) {
      const error = toDataError(cause);
      metrics.operation(operation, requestOf(c).signal?.aborted ? 'aborted' : resultOf(error));
      const by = REFUSED_BY[error.code];
      if (by !== undefined) metrics.refused(by);
      throw error;
    }
  };
}
