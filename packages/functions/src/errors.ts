import { defineErrors } from '@reactor/core';

/** Codes that only functions answers, beside those of core, `blobErrors` and `archiveErrors` among them. */
export const functionsErrors = defineErrors({
  invalid_function_name: {
    status: 400,
    when: 'The name of a new function does not match `[a-z][a-z0-9-]{1,61}[a-z0-9]`, or is reserved.',
  },
  unsupported_runtime: { status: 400, when: 'A function is to run on something other than `bun`.' },
  bundle_invalid: {
    status: 400,
    when: 'The bundle cannot be deployed: its archive, its `function.json`, its entry, or what building or importing it said; `details` has file, line and column where they are known.',
  },
  env_key_invalid: {
    status: 400,
    when: 'The name of a variable does not match `[A-Z][A-Z0-9_]{0,127}`, or is one that Reactor sets.',
  },
  function_not_found: { status: 404, when: 'There is no function of this name.' },
  deployment_not_found: { status: 404, when: 'The function has no deployment of this id.' },
  env_key_not_found: { status: 404, when: 'The function has no variable of this name.' },
  function_exists: { status: 409, when: 'Another function has the name.' },
  no_earlier_deployment: { status: 409, when: 'There is no ready deployment below the current one to roll back to.' },
  bundle_too_large: { status: 413, when: 'The bundle is larger than `functions.bundle_max_bytes`.' },
  function_crashed: {
    status: 500,
    when: 'The handler threw, or its promise was rejected, before it had answered; the log has the stack under the request id.',
  },
  response_too_large: {
    status: 500,
    when: 'The answer of the handler announced more bytes than `limits.max_body_out_mb`. One that turns out larger while it streams is cut.',
  },
  secrets_unreadable: {
    status: 500,
    when: 'A secret of the function was sealed with another `functions.secret`; doctor names it.',
  },
  runtime_error: {
    status: 502,
    when: 'The process of the function ended, or was ended because it did not react any more, before it had answered; or its answer was none that HTTP has.',
  },
  deployment_not_ready: {
    status: 503,
    when: 'The function has no promoted deployment, or its bundle cannot be loaded now.',
  },
  cold_start_failed: {
    status: 503,
    when: 'No process of the function could be started: the log says why; `Retry-After` says when it is tried again.',
  },
  function_timeout: {
    status: 504,
    when: 'The handler had not answered within `limits.timeout_ms`; its `request.signal` was aborted.',
  },
});
