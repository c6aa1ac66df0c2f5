import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { type Color, localTime, type Paint } from '../../text.js';
import { ACCEPT, DATA_ADMIN, migrationsBody, namesIn, requireData } from './server.js';

/** Answer of the server about migrations, by name. */
interface Migrations {
  readonly applied: readonly { readonly name: string; readonly applied_at: string }[];
  readonly pending: readonly string[];
  /** Applied with another text than they have now; in `applied` too. */
  readonly changed: readonly string[];
  /** Applied, and not among the files. */
  readonly unknown: readonly string[];
  /** In `pending` too; an older server leaves both out. */
  readonly refused?: readonly { readonly name: string; readonly reason: string }[];
  readonly partial?: readonly { readonly name: string; readonly ran: number; readonly statements: number }[];
}

/**
 * `reactor db status`: what is applied and since when. Exit code 5 when something is pending or changed, as a doctor
 * would say.
 * @param folder absolute; undefined for the files of the server
 */
export async function dbStatus(client: Client, output: Output, folder: string | undefined): Promise<number> {
  const path = `${DATA_ADMIN}/migrations`;
  const sent = await migrationsBody(folder);
  const answer = await (sent === undefined ? client.getJson(path, ACCEPT) : client.postJson(path, sent, ACCEPT));
  const migrations = asMigrations(requireData(client, answer).body);
  const { pending, changed } = migrations;
  const ok = pending.length === 0 && changed.length === 0;
  await output.result(migrations, () => render(migrations, folder, output.paint), ok);
  return ok ? EXIT.ok : EXIT.server;
}

function asMigrations(body: unknown): Migrations {
  const [pending, changed, unknown] = [namesIn(body, 'pending'), namesIn(body, 'changed'), namesIn(body, 'unknown')];
  const { applied, refused, partial } = body as Partial<Record<'applied' | 'refused' | 'partial', unknown>>;
  const isApplied = (one: Partial<Record<string, unknown>> | null) =>
    typeof one?.name === 'string' && typeof one.applied_at === 'string';
  if (!Array.isArray(applied) || !applied.every(isApplied)) {
    throw new CliError('SERVER_ERROR', 'the server answered something that says nothing about migrations');
  }
  return {
    ...{ applied, pending, changed, unknown },
    ...(Array.isArray(refused) ? { refused } : {}),
    ...(Array.isArray(partial) ? { partial } : {}),
  };
}

function render(migrations: Migrations, folder: string | undefined, paint: Paint): string {
  const { applied, pending, changed, unknown, refused = [], partial = [] } = migrations;
  const pendingRow = (name: string) => {
    const refusal = refused.find((one) => one.name === name);
    if (refusal !== undefined) return [name, 'red', '✖', `refused: ${refusal.reason}`] as const;
    const half = partial.find((one) => one.name === name);
    const state = half === undefined ? 'pending' : `pending, ${half.ran} of ${half.statements} statements ran`;
    return [name, 'yellow', '!', state] as const;
  };
  const files = folder === undefined ? 'the files of the server' : folder;
  const rows: (readonly [name: string, color: Color, mark: string, state: string])[] = [
    ...applied.map(({ name, applied_at: at }) =>
      changed.includes(name)
        ? ([name, 'red', '✖', `applied ${localTime(at)}, and changed since`] as const)
        : ([name, 'green', '✔', `applied ${localTime(at)}`] as const),
    ),
    ...pending.map(pendingRow),
    ...unknown.map((name) => [name, 'yellow', '!', `applied, and not among ${files}`] as const),
  ];
  const width = Math.max(0, ...rows.map(([name]) => printable(name).length));
  const lines = rows
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, color, mark, state]) => `${paint(color, mark)} ${printable(name).padEnd(width)}  ${printable(state)}`);
  if (changed.length > 0)
    lines.push('  → Put changed files back as they were, and write the change as a new migration.');
  if (refused.length > 0) lines.push('  → Correct or remove refused files: until then none is applied.');
  const counts = [
    [applied.length - changed.length, 'applied'],
    [pending.length - refused.length, 'pending'],
    [changed.length, 'changed'],
    [unknown.length, 'without a file'],
    ...(refused.length === 0 ? [] : [[refused.length, 'refused'] as const]),
  ].map(([count, state]) => `${count} ${state}`);
  return `${lines.length === 0 ? '' : `${lines.join('\n')}\n\n`}${counts.join(', ')}\n`;
}
