import { printable } from '@reactor/core/terminal';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { localTime } from '../../text.js';
import { showLogs } from '../logs.js';
import { formatLine, type LogLine, type LogView, levelColor } from '../logs-format.js';
import { functionName } from './server.js';

export interface FunctionLogsOptions {
  readonly since?: string;
  readonly level?: string;
  readonly requestId?: string;
  readonly follow?: boolean;
}

/** `reactor functions logs`: what one function printed, and what the server says of it. */
export function functionLogs(
  client: Client,
  output: Output,
  name: string,
  { since, level, requestId, follow = false }: FunctionLogsOptions,
): Promise<number> {
  const query = new URLSearchParams({ capability: 'functions' });
  for (const [key, value] of Object.entries({ since, level, request_id: requestId })) {
    if (value !== undefined) query.set(key, value);
  }
  return showLogs(client, output, query, { follow, view: viewOf(functionName(name)) });
}

/** The lines of one function: the text of its output, else the message of the server with its fields. */
export function viewOf(name: string): LogView {
  return {
    shows: (json) => (JSON.parse(json) as LogLine).fields.function === name,
    format: (json, paint) => {
      const { timestamp, level, fields } = JSON.parse(json) as LogLine;
      const { message, function: _, version, text, ...rest } = fields;
      const at = `${localTime(timestamp)} [${printable(level)}] ${version === undefined ? '' : `v${printable(String(version))} `}`;
      if (typeof text !== 'string') return formatLine(level, at + printable(String(message)), rest, paint);
      const [first = '', ...more] = text.replace(/\n$/, '').split('\n').map(printable);
      const line = levelColor(level, at + first, paint);
      return `${line}\n${more.map((row) => `    ${row}\n`).join('')}`;
    },
  };
}
