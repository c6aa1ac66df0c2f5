import { expect, test } from 'vitest';
import { histogram } from './histogram.js';
import { renderLabels } from './label-text.js';
import { openLabel } from './labels.js';

test('backslash, quote and line feed are escaped, everything else stands as it is', () => {
  expect(renderLabels({})).toBe('');
  expect(renderLabels({ path: 'C:\\a"b\nc{}', n: 1 })).toBe('{path="C:\\\\a\\"b\\nc{}",n="1"}');
});

test('each sample of a histogram carries the text of its labels', async () => {
  const family = histogram({
    name: 'reactor_test_seconds',
    help: 'Time',
    moves: 'now and then',
    unit: 'seconds',
    labels: { route: openLabel(2) },
    buckets: [0.5],
  });
  family.child({ route: '/"' }).observe(0.1);
  const { values } = await family.get();
  expect(values.map(({ labelText }) => labelText)).toEqual(values.map(({ labels }) => renderLabels(labels)));
  expect(values.map(({ metricName, labelText, value }) => `${metricName}${labelText} ${value}`)).toEqual([
    'reactor_test_seconds_bucket{le="0.5",route="/\\""} 1',
    'reactor_test_seconds_bucket{le="+Inf",route="/\\""} 1',
    'reactor_test_seconds_sum{route="/\\""} 0.1',
    'reactor_test_seconds_count{route="/\\""} 1',
  ]);
});
