import type { Section } from '@reactor/core';
import { DEFAULTS_WITHOUT_FILE } from '@reactor/server';
import { z } from 'zod';

/** What JSON Schema says of a key. */
interface Property {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly Property[];
  readonly properties?: Readonly<Record<string, Property>>;
  readonly additionalProperties?: false | Property;
  readonly items?: Property;
}

/** The keys of a section for its table in the reference, nested ones below the table they are in. */
export function configRows(section: Section): readonly (readonly string[])[] {
  const json = z.toJSONSchema(section.schema, { unrepresentable: 'any', io: 'input' }) as Property;
  return keysOf(section.name, json).map(([path, property]) => [
    `\`${path}\``,
    accepted(property),
    defaultOf(section, path, property.default),
    (property.description ?? '').replaceAll('|', '\\|'),
  ]);
}

/** @throws where a key that is not known would be taken without a word */
function keysOf(path: string, { properties, additionalProperties, items }: Property): [string, Property][] {
  const below = (key: string, property: Property): [string, Property][] => [[key, property], ...keysOf(key, property)];
  if (items !== undefined) return keysOf(`${path}[]`, items);
  if (properties !== undefined) {
    if (additionalProperties !== false) throw new Error(`${path}: is no z.strictObject`);
    return Object.entries(properties).flatMap(([key, property]) => below(`${path}.${key}`, property));
  }
  return additionalProperties ? below(`${path}.<name>`, additionalProperties) : [];
}

function accepted({ type, const: only, enum: values, anyOf, properties, additionalProperties }: Property): string {
  if (anyOf !== undefined) return anyOf.map(accepted).join(', ');
  if (properties !== undefined || additionalProperties) return 'table';
  return (values ?? (only === undefined ? undefined : [only]))?.map((value) => `\`${value}\``).join(', ') ?? type ?? '';
}

/** Where it depends: the one of production with a file, and what `dev` or no file make of it. */
function defaultOf({ name, devDefaults }: Section, path: string, declared: unknown): string {
  const values = [
    [declared, ''],
    [at({ [name]: devDefaults }, path), ' in `dev`'],
    [at(DEFAULTS_WITHOUT_FILE, path), ' without a file'],
  ] as const;
  const found = new Map<string, string>();
  for (const [value, when] of values) {
    const text = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
    if (text !== '' && !found.has(text)) found.set(text, when);
  }
  return Array.from(found, ([text, when]) => text + when).join(', ');
}

function at(tables: unknown, path: string): unknown {
  let found = tables;
  for (const key of path.split('.')) found = (found as Readonly<Record<string, unknown>> | undefined)?.[key];
  return found;
}
