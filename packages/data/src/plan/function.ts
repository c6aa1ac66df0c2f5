import { nearest } from '@reactor/core';
import type { CallQuery } from '../query/index.js';
import { QueryError } from '../query/query-error.js';
import { parseJson } from '../query/rows.js';
import { quoted } from '../query/scanner.js';
import type { DatabaseFunction, SchemaModel } from '../schema/model.js';

/** Most argument names that an error repeats; a body may have any number of keys. */
const MAX_SHOWN = 20;

/** A body that is one value, for a function whose only argument has no name. */
export interface WholeBody {
  readonly type: 'text' | 'xml' | 'bytea';
  /** As PostgreSQL reads the type. */
  readonly value: string;
}

/** Values by name (GET, a form), the JSON text of a POST, or a body of another type. */
export type CallInput = CallQuery['arguments'] | string | WholeBody;

/** A function and what it is given: text by name, the members of a JSON object, or the whole body as its only argument. */
export interface Callee {
  readonly function: DatabaseFunction;
  readonly given:
    | { readonly kind: 'text'; readonly values: CallQuery['arguments'] }
    | { readonly kind: 'members'; readonly names: ReadonlySet<string>; readonly json: string }
    | { readonly kind: 'whole'; readonly value: string };
}

/** The names that a GET may give as arguments, over all overloads. @throws QueryError PGRST202 (404) */
export function argumentNames(model: SchemaModel, name: string): ReadonlySet<string> {
  return new Set(overloads(model, name).flatMap((one) => one.arguments.map((argument) => argument.name)));
}

/**
 * The overload that takes these arguments, defaults filling the rest. PostgreSQL does not prefer one without defaults to
 * one with, and neither does this.
 * @throws QueryError PGRST202 (404) for none, PGRST203 (300) for several, PGRST102 (400) for a body that is not an object
 */
export function findFunction(model: SchemaModel, name: string, input: CallInput): Callee {
  const candidates = overloads(model, name);
  if (isWholeBody(input)) return takerOfWhole(name, input, candidates);
  const names = givenNames(input);
  const fitting = names === undefined ? [] : candidates.filter((candidate) => takes(candidate, names));
  const [only, ...others] = fitting;
  if (others.length > 0) throw ambiguous(name, fitting);
  if (only !== undefined && names !== undefined) {
    return {
      function: only,
      given: typeof input === 'string' ? { kind: 'members', names, json: input } : { kind: 'text', values: input },
    };
  }
  const unnamed = candidates.find((candidate) => takesWhole(candidate, 'json', 'jsonb'));
  if (unnamed !== undefined && typeof input === 'string') {
    return { function: unnamed, given: { kind: 'whole', value: input } };
  }
  if (names === undefined) {
    throw new QueryError('invalid_body', 'PGRST102', 'the body must be a JSON object whose keys name the arguments');
  }
  throw noOverload(name, names, candidates);
}

function isWholeBody(input: CallInput): input is WholeBody {
  return typeof input === 'object' && 'type' in input;
}

function takerOfWhole(name: string, { type, value }: WholeBody, candidates: readonly DatabaseFunction[]): Callee {
  const found = candidates.find((candidate) => takesWhole(candidate, type));
  if (found !== undefined) return { function: found, given: { kind: 'whole', value } };
  const how = `with one argument of type ${type} that has no name, which the Content-Type of the body asks for`;
  throw notCallable(name, how, candidates);
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
function givenNames(input: Exclude<CallInput, WholeBody>): ReadonlySet<string> | undefined {
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

function takesWhole({ arguments: [first, ...others] }: DatabaseFunction, ...types: readonly string[]): boolean {
  return others.length === 0 && first?.name === '' && types.includes(first.type);
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
  return notCallable(name, given, candidates);
}

function notCallable(name: string, how: string, candidates: readonly DatabaseFunction[]): QueryError {
  return new QueryError('function_not_found', 'PGRST202', `there is no function ${quoted(name)} ${how}`, {
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
