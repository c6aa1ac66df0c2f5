import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  blobErrors,
  coreErrors,
  type ErrorCode,
  type MetricFamily,
  SQL_ANSWERS,
  silentLogger,
  systemClock,
} from '@reactor/core';
import { createHealth, createLogging, createMetrics, instrumentHttp, serverInfo } from '@reactor/observability';
import { embeddedPostgresMetrics, openDatabases } from '@reactor/postgres';
import { assemble, CAPABILITIES, openSecrets, readSettings, SERVER_SECTIONS } from '@reactor/server';
import { afterAll, expect, test } from 'vitest';
import { configRows } from './config-rows.js';

/*
 * docs/reference is written by this file: `npx pnpm@10 --filter @reactor/repository test -u` after a change of what is
 * declared. A difference fails.
 */
const NOTE = '<!-- Generated from the declarations in the code; do not edit. -->\n';
const reference = (name: string) => path.resolve(import.meta.dirname, `../docs/reference/${name}.md`);

const context = { logger: silentLogger, clock: systemClock };
const directory = mkdtempSync(path.join(tmpdir(), 'reactor-reference-'));
const database = openDatabases({
  connectionString: 'postgresql://nobody@localhost/nothing',
  isEmbedded: false,
  ...context,
});
afterAll(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

/** Who declares what, the capabilities as the server makes them. */
async function owners(): Promise<[string, readonly MetricFamily[]][]> {
  const logging = createLogging({ filter: 'off', clock: systemClock });
  const output = { terminal: false, color: false };
  const settings = await readSettings({ flags: {}, environment: {}, directory, output });
  const { capabilities, blobs } = assemble(settings, await openSecrets(settings, false), logging, { database });
  const health = createHealth({ ...context, capabilities: () => [], phase: () => 'ready' });
  return [
    ['server', serverInfo('0.0.0', systemClock).families],
    ['http', instrumentHttp({ ...context, capabilities: [] }).metrics.families],
    ['health', health.metrics.families],
    ['logs', logging.metrics.families],
    ['scrape', createMetrics(context).registry.getMetricsAsArray() as unknown as MetricFamily[]],
    ['database', [...database.metrics.families, ...embeddedPostgresMetrics(() => false).contributor.families]],
    ['blobs', blobs?.metrics.families ?? []],
    ...capabilities.map(({ name, metrics }): [string, readonly MetricFamily[]] => [name, metrics.families]),
  ];
}

test('docs/reference/metrics.md lists every family that is declared', async () => {
  const sections = (await owners()).map(([owner, families]) => {
    const rows = families.map(
      ({ name, type, unit, labelNames, help }) =>
        `| \`${name}\` | ${type} | ${unit === 'none' ? '' : unit} | ${labelNames.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
    );
    return `## ${owner}\n\n| Metric | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  const text = `${NOTE}# Metrics\n\nBesides these, \`/metrics\` has the \`process_*\` and \`nodejs_*\` families of prom-client.\n\n${sections.join('\n')}`;
  await expect(text).toMatchFileSnapshot(reference('metrics'));
});

test('docs/reference/errors.md lists every error code that is declared', async () => {
  const table = (codes: Readonly<Record<string, ErrorCode>>) =>
    Object.entries(codes)
      .map(([code, { status, when }]) => `| \`${code}\` | ${status} | ${cell(when)} |`)
      .join('\n');
  const sections: [string, Readonly<Record<string, ErrorCode>>][] = [
    ['Everywhere', coreErrors.codes],
    ['Blobs', blobErrors.codes],
    ...CAPABILITIES.map(({ section, errors }): [string, typeof errors] => [section.name, errors]),
  ];
  const body = sections.map(
    ([title, codes]) => `## ${title}\n\n| Code | Status | When |\n|---|---|---|\n${table(codes)}\n`,
  );
  const answers = Object.entries(SQL_ANSWERS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([state, { code, again }]) => {
      const of = state.length === 2 ? `${state}…` : state;
      return `| \`${of}\` | ${coreErrors.codes[code].status} \`${code}\` | ${again ? 'yes' : 'no'} |`;
    });
  const postgres = `## Errors of PostgreSQL\n\nWhichever capability meets them, by SQLSTATE or its class. Where the same request again may succeed, the answer has\n\`Retry-After\`. \`/data/v1\` says the SQLSTATE too, as its \`code\`, and has codes of its own for what is wrong with a statement.\n\n| SQLSTATE | Answer | The same again may succeed |\n|---|---|---|\n${answers.join('\n')}\n`;
  const shape = '```json\n{"error":{"code":"not_found","message":"…","status":404,"request_id":"…","details":[]}}\n```';
  const text = `${NOTE}# Error codes\n\nEvery error answer has this body; \`details\` is there where it helps:\n\n${shape}\n\n${[...body, postgres].join('\n')}`;
  await expect(text).toMatchFileSnapshot(reference('errors'));
});

test('docs/reference/config.md lists every key that is accepted', async () => {
  const sections = [...SERVER_SECTIONS, ...CAPABILITIES.map(({ section }) => section)].map((section) => {
    const rows = configRows(section).map((cells) => `| ${cells.join(' | ')} |`);
    return `## [${section.name}]\n\n| Key | Accepts | Default | Meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  const text = `${NOTE}# Configuration keys\n\nDefaults that depend on \`project.env\` or on whether there is a file are in [configuration.md](../configuration.md).\n\n${sections.join('\n')}`;
  await expect(text).toMatchFileSnapshot(reference('config'));
});

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
