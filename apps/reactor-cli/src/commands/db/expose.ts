import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { ACCEPT, DATA_ADMIN, requireData } from './server.js';

interface Open {
  readonly name: string;
  readonly kind: string;
  /** By role, in words; empty when nobody may use it. */
  readonly privileges: string;
}

interface Exposed {
  readonly exposed: readonly Open[];
  /** Named, and not withheld before. */
  readonly already: readonly Open[];
  readonly skipped: readonly { readonly name: string; readonly kind: string; readonly reason: string }[];
}

/**
 * `reactor db expose`: opens to requests what was in the database before Reactor. Exit code 1 when something that was named
 * stays closed.
 */
export async function expose(
  client: Client,
  output: Output,
  names: readonly string[],
  { all = false }: { readonly all?: boolean },
): Promise<number> {
  if (all === names.length > 0) {
    throw new CliError(
      'INVALID_ARGUMENT',
      all ? '--all and names exclude each other' : 'nothing to expose',
      'reactor db expose <table…>, or reactor db expose --all',
    );
  }
  const { body } = requireData(
    client,
    await client.postJson(`${DATA_ADMIN}/expose`, all ? { all: true } : { names }, ACCEPT),
  );
  const result = asExposed(body);
  const ok = all || result.skipped.length === 0;
  await output.result(result, () => render(result), ok);
  return ok ? EXIT.ok : EXIT.user;
}

function asExposed(body: unknown): Exposed {
  const { exposed, already, skipped } = (body ?? {}) as Partial<Record<keyof Exposed, unknown>>;
  if (Array.isArray(exposed) && Array.isArray(already) && Array.isArray(skipped)) return body as Exposed;
  throw new CliError('SERVER_ERROR', 'the server answered something that says nothing about what is exposed');
}

function render({ exposed, already, skipped }: Exposed): string {
  const lines = [
    ...exposed.map((one) => `exposed ${describe(one)}`),
    ...already.map((one) => `already exposed: ${describe(one)}`),
    ...skipped.map(({ name, kind, reason }) => `skipped ${kind} ${name}: ${reason}`),
  ];
  return lines.length === 0 ? 'nothing to expose\n' : `${lines.map(printable).join('\n')}\n${exposed.length} exposed\n`;
}

function describe({ name, kind, privileges }: Open): string {
  const forAnybody = /\b(?:reactor_anon|PUBLIC)\b/.test(privileges);
  return `${kind} ${name}: ${privileges || 'nobody'}${forAnybody || privileges === '' ? '' : ' (needs a token)'}`;
}
