import { printable } from '@reactor/core/terminal';
import { EXIT } from '../errors.js';
import type { Client } from '../http/client.js';
import type { Output } from '../output.js';
import { NO_CAPABILITY } from '../text.js';

/** Body of `GET /health`. */
export interface HealthAnswer {
  readonly status: string;
  readonly capabilities: Readonly<Record<string, string>>;
  readonly failing?: readonly string[];
  readonly errors?: Readonly<Record<string, string>>;
}

/** Asks once: a 503 is an answer, and its body says what fails. */
export async function fetchHealth(client: Client): Promise<HealthAnswer> {
  const { body } = await client.getJson('/health', { accept: [503] });
  const { status, capabilities, failing, errors } = (body ?? {}) as Partial<HealthAnswer>;
  return {
    status: String(status),
    capabilities: capabilities ?? {},
    ...(failing === undefined ? {} : { failing }),
    ...(errors === undefined ? {} : { errors }),
  };
}

/** `storage: the blob folder is read-only`, for each that fails. */
export function failures({ failing = [], errors = {} }: HealthAnswer): string[] {
  return failing.map((name) => printable(`${name}: ${errors[name] ?? 'failing'}`));
}

/** `reactor health`: one answer, and an exit code for scripts. */
export async function health(client: Client, output: Output): Promise<number> {
  const answer = await fetchHealth(client);
  const ok = answer.status === 'ok';
  const { paint } = output;
  await output.result(
    answer,
    () => {
      const names = Object.keys(answer.capabilities).filter((name) => answer.capabilities[name] === 'ok');
      const lines = [
        ...failures(answer).map((failure) => `${paint('red', '✖')} ${failure}`),
        ...names.map((name) => `${paint('green', '✔')} ${printable(name)}`),
      ];
      return `${lines.join('\n') || NO_CAPABILITY}\n`;
    },
    ok,
  );
  return ok ? EXIT.ok : EXIT.server;
}
