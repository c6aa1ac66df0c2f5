import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { type Color, localTime, type Paint, printable } from '../../text.js';
import { ACCEPT, DATA_ADMIN, migrationsBody, namesIn, requireData } from './server.js';

/** Answer of the server about migrations, by name. */
interface Migrations {
  readonly applied: readonly { readonly name: string; readonly applied_at: string }[];
  readonly pending: readonly string[];
  /** Applied with another text than they have now; in `applied` too. */
  readonly changed: readonly string[];
  /** Applied, and not among the files. */
  readonly unknown: readonly string[];
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
  const { applied } = body as { applied?: unknown };
  const isApplied = (one: Partial<Record<string, unknown>> | null) =>
    typeof one?.name === 'string' && typeof one.applied_at === 'string';
  if (!Array.isArray(applied) || !applied.every(isApplied)) {
    throw new CliError('SERVER_ERROR', 'the server answered something that says nothing about migrations');
  }
  return { applied, pending, changed, unknown };
}

function render({ applied, pending, changed, unknown }: Migrations, folder: string | undefined, paint: Paint): string {
  const files = folder === undefined ? 'the files of the server' : folder;
  const rows: (readonly [name: string, color: Color, mark: string, state: string])[] = [
    ...applied.map(({ name, applied_at: at }) =>
      changed.includes(name)
        ? ([name, 'red', '✖', `applied ${localTime(at)}, and changed since`] as const)
        : ([name, 'green', '✔', `applied ${localTime(at)}`] as const),
    ),
    ...pending.map((name) => [name, 'yellow', '!', 'pending'] as const),
    ...unknown.map((name) => [name, 'yellow', '!', `applied, and not among ${files}`] as const),
  ];
  const width = Math.max(0, ...rows.map(([name]) => printable(name).length));
  const lines = rows
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, color, mark, state]) => `${paint(color, mark)} ${printable(name).padEnd(width)}  ${printable(state)}`);
  if (changed.length > 0)
    lines.push('  → Put changed files back as they were, and write the change as a new migration.');
  const counts = [
    [applied.length - changed.length, 'applied'],
    [pending.length, 'pending'],
    [changed.length, 'changed'],
    [unknown.length, 'without a file'],
  ].map(([count, state]) => `${count} ${state}`);
  return `${lines.length === 0 ? '' : `${lines.join('\n')}\n\n`}${counts.join(', ')}\n`;
}
