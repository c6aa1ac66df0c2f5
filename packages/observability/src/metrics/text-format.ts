import { renderLabels, type Sample } from '@reactor/core';
import type { ExpositionFormat } from './exposition.js';
import type { ScrapedFamily } from './snapshot.js';

/** About 0.2 ms of work. */
const SAMPLES_PER_PIECE = 512;

/** The Prometheus text format, version 0.0.4. */
export const textFormat: ExpositionFormat = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  trailer: '',
  *family({ name, help, type, values }: ScrapedFamily) {
    let text = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (let i = 0; i < values.length; i++) {
      const { metricName, labels, labelText, value } = values[i] as Sample;
      text += `${metricName ?? name}${labelText ?? renderLabels(labels)} ${renderValue(value)}\n`;
      if ((i + 1) % SAMPLES_PER_PIECE === 0) {
        yield text;
        text = '';
      }
    }
    if (text !== '') yield text;
  },
};

function renderValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
