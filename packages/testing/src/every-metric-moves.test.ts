import { counter, gauge, metricsContributor } from '@reactor/core';
import { expect, test } from 'vitest';
import { everyMetricMoves } from './every-metric-moves.js';

const about = { help: 'Things', moves: 'once per thing', unit: 'none' } as const;
const seen = counter({ ...about, name: 'reactor_things_seen_total', labels: { kind: ['a', 'b'] } });
const held = gauge({ ...about, name: 'reactor_things_held' });
const contributor = metricsContributor([seen, held]);

test('passes when each mover changes its family', async () => {
  await everyMetricMoves(contributor, {
    reactor_things_seen_total: () => seen.child({ kind: 'b' }).inc(),
    reactor_things_held: async () => held.child({}).set(3),
  });
});

test('names families that stay, families that nobody moves, and movers of nothing', async () => {
  const failure = everyMetricMoves(contributor, {
    reactor_things_seen_total: () => held.child({}).inc(),
    reactor_things_lost_total: () => {},
  });
  await expect(failure).rejects.toMatchObject({
    actual: {
      'did not move': ['reactor_things_seen_total'],
      'have no mover': ['reactor_things_held'],
      'movers of no family': ['reactor_things_lost_total'],
    },
  });
});
