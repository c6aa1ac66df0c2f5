import { CAPABILITY_NAMES } from '@reactor/core/terminal';
import { expect, test } from 'vitest';
import { CAPABILITIES } from '../src/capabilities.js';

test.each(CAPABILITIES.map(({ section, errors }) => [section.name, errors] as const))(
  'the entry of %s has the error codes of its package, and its lines can be asked for by its name',
  async (name, errors) => {
    const exported = (await import(`@reactor/${name}`)) as Record<string, { readonly codes?: object } | undefined>;
    const codes = Object.entries(exported).flatMap(([key, value]) => (/Errors$/.test(key) ? [value?.codes] : []));
    expect(errors).toEqual(Object.assign({}, ...codes));
    expect(CAPABILITY_NAMES).toContain(name);
  },
);
