import {
  type CapabilityContext,
  DeadlineExceeded,
  type DoctorCheck,
  type DoctorProbe,
  type ProbeResult,
  withDeadline,
} from '@reactor/core';

export interface ProbeRunOptions extends CapabilityContext {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one probe within its timeout. A probe that throws, hangs or answers nonsense is a failed check.
 * @param label `auth/db_ping`, for the log
 * @throws the reason of `signal` once that aborts
 */
export async function runProbe(label: string, probe: DoctorProbe, options: ProbeRunOptions): Promise<DoctorCheck> {
  const { clock, logger, signal } = options;
  const start = clock.monotonic();
  const result = await answerOf(probe, signal).catch((error: unknown): ProbeResult => {
    if (signal?.aborted) throw signal.reason;
    // The text of an unforeseen error may hold anything, secrets included: it goes to the log, which redacts.
    logger.error('doctor probe failed', { probe: label, error });
    return resultOfError(error, probe);
  });
  const { status, message } = result;
  return {
    name: probe.name,
    status,
    ...(message === undefined ? {} : { message }),
    ...(result.status === 'ok' ? {} : { remedy: result.remedy }),
    duration_ms: Math.round((clock.monotonic() - start) * 10) / 10,
    ...(result.status === 'ok' || result.code === undefined ? {} : { code: result.code }),
  };
}

async function answerOf(probe: DoctorProbe, signal: AbortSignal | undefined): Promise<ProbeResult> {
  const result: unknown = await withDeadline(probe.timeoutMs, (inner) => probe.run(inner), signal);
  if (!isProbeResult(result)) throw new TypeError('the probe answered something other than a ProbeResult');
  return result;
}

function resultOfError(error: unknown, { timeoutMs }: DoctorProbe): ProbeResult {
  if (error instanceof DeadlineExceeded) {
    return {
      status: 'fail',
      code: 'probe_timeout',
      message: `No answer within ${timeoutMs} ms.`,
      remedy: 'Check whether what it asks is overloaded, frozen or unreachable.',
    };
  }
  return {
    status: 'fail',
    code: 'probe_error',
    message: 'The probe itself stopped with an error.',
    remedy: 'Look for "doctor probe failed" in the log.',
  };
}

function isProbeResult(result: unknown): result is ProbeResult {
  if (typeof result !== 'object' || result === null) return false;
  const { status, message, remedy } = result as Readonly<Record<string, unknown>>;
  if (status === 'ok') return message === undefined || typeof message === 'string';
  return (status === 'warn' || status === 'fail') && typeof message === 'string' && typeof remedy === 'string';
}
