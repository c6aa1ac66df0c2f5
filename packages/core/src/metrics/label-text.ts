const NEEDS_ESCAPE = /[\\"\n]/;

/**
 * Labels as a sample line of the Prometheus text format and of OpenMetrics shows them: `{le="0.5",route="/x"}`, empty
 * without labels.
 */
export function renderLabels(labels: Readonly<Record<string, string | number>>): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escapeLabelValue(String(labels[name]))}"`;
  return text === '' ? '' : `${text}}`;
}

function escapeLabelValue(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
