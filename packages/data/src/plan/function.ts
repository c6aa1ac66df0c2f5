import type { CallQuery } from '../query/index.js';
import { QueryError } from '../query/query-error.js';
import { parseJson } from '../query/rows.js';
import { quoted } from '../query/scanner.js';
import type { DatabaseFunction, SchemaModel } from '../schema/model.js';
import { nearest } from './nearest.js';

/** Most argument names that an error repeats; a body may have any number of keys. */
const MAX_SHOWN = 20;

/** Values by name (GET), or the JSON text of a POST. */
export type CallInput = CallQuery['arguments'] | string;

/** A function, and how its arguments come: by name, or the whole body as its only one. */
export interface Callee {
  readonly function: DatabaseFunction;
  readonly names: ReadonlySet<string>;
  readonly wholeBody: boolean;
}

/** The names that a GET may give as arguments, over all overloads. @throws QueryError PGRST202 (404) */
export function argumentNames(model: SchemaModel, name: string): ReadonlySet<string> {
  return new Set(overloads(model, name).flatMap((one) => one.arguments.map((argument) => argument.name)));
}

/**
 * The overload that takes these arguments, defaults filling the rest. PostgreSQL does not prefer one without defaults to
 * one with, and neither does this.
 * @throws QueryError PGRST202 (404) for none, PGRST203 (300) for several, PGRST102 (400) for a body that is no object
 */
export function findFunction(model: SchemaModel, name: string, input: CallInput): Callee {
  const candidates = overloads(model, name);
  const names = givenNames(input);
  const fitting = names === undefined ? [] : candidates.filter((candidate) => takes(candidate, names));
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return { function: only, names: names ?? new Set(), wholeBody: false };
  if (only !== undefined) throw ambiguous(name, fitting);
  const unnamed = typeof input === 'string' ? candidates.find(takesBody) : undefined;
  if (unnamed !== undefined) return { function: unnamed, names: new Set(), wholeBody: true };
  if (names === undefined) {
    throw new QueryError('invalid_body', 'PGRST102', 'the body must be a JSON object whose keys name the arguments');
  }
  throw noOverload(name, names, candidates);
}

function overloads(model: SchemaModel, name: string): readonly DatabaseFunction[] {
  const found = model.functions.get(name);
  if (found !== undefined) return found;
  const meant = nearest(name, model.functions.keys());
  throw new QueryError('function_not_found', 'PGRST202', `there is no function ${quoted(name)}`, {
    ...(meant === undefined ? {} : { hint: `Perhaps ${quoted(meant)} was meant.` }),
  });
}

/** Undefined when the body is JSON, but no object. */
function givenNames(input: CallInput): ReadonlySet<string> | undefined {
  if (typeof input !== 'string') return new Set(input.keys());
  const body = parseJson(input);
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? new Set(Object.keys(body)) : undefined;
}

function takes(candidate: DatabaseFunction, names: ReadonlySet<string>): boolean {
  const known = new Set(candidate.arguments.map(({ name }) => name));
  return (
    !known.has('') &&
    [...names].every((name) => known.has(name)) &&
    candidate.arguments.every(({ name, hasDefault, variadic }) => hasDefault || variadic || names.has(name))
  );
}

function takesBody({ arguments: [first, ...others] }: DatabaseFunction): boolean {
  return others.length === 0 && first?.name === '' && (first.type === 'json' || first.type === 'jsonb');
}

function signature({ name, arguments: list }: DatabaseFunction): string {
  const parts = list.map((argument) => {
    const optional = argument.hasDefault ? ' DEFAULT …' : '';
    return `${argument.variadic ? 'VARIADIC ' : ''}${argument.name} ${argument.type}`.trim() + optional;
  });
  return `${name}(${parts.join(', ')})`;
}

function noOverload(name: string, names: ReadonlySet<string>, candidates: readonly DatabaseFunction[]): QueryError {
  const shown = [...names].slice(0, MAX_SHOWN).map(quoted).join(', ');
  const given =
    names.size === 0 ? 'without arguments' : `with the arguments ${shown}${names.size > MAX_SHOWN ? ', …' : ''}`;
  return new QueryError('function_not_found', 'PGRST202', `there is no function ${quoted(name)} ${given}`, {
    details: { functions: candidates.map(signature) },
    hint: `It can be called as ${candidates.map(signature).join(' or ')}.`,
  });
}

function ambiguous(name: string, fitting: readonly DatabaseFunction[]): QueryError {
  return new QueryError('ambiguous_function', 'PGRST203', `several functions ${quoted(name)} take these arguments`, {
    details: { functions: fitting.map(signature) },
    hint: 'Functions can be told apart by the names of their arguments only, not by types or defaults.',
  });
}
