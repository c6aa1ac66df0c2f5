import type { FamilySnapshot, MetricFamily, MetricsContributor } from '@reactor/core';
import { expect } from 'vitest';

/** What has to happen for one family to change, e.g. an upload through `app.request()`. */
export type Mover = () => unknown;

/**
 * Shows that every family reports what happens: runs the mover of each one and compares it before and after.
 * @param movers one for each family of `contributor`, by name
 * @throws AssertionError naming the families that did not change, that have no mover, and movers without a family
 */
export async function everyMetricMoves(
  contributor: MetricsContributor,
  movers: Readonly<Record<string, Mover>>,
): Promise<void> {
  const names = contributor.families.map(({ name }) => name);
  const unmoved: string[] = [];
  for (const family of contributor.families) {
    const move = movers[family.name];
    if (move === undefined) continue;
    const before = await valuesOf(family);
    await move();
    if ((await valuesOf(family)) === before) unmoved.push(family.name);
  }
  expect({
    'did not move': unmoved,
    'have no mover': names.filter((name) => movers[name] === undefined),
    'movers of no family': Object.keys(movers).filter((name) => !names.includes(name)),
  }).toEqual({ 'did not move': [], 'have no mover': [], 'movers of no family': [] });
}

async function valuesOf(family: MetricFamily): Promise<string> {
  const { values }: FamilySnapshot = await family.get();
  return JSON.stringify(values);
}
