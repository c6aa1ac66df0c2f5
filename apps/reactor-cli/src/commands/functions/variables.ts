import { readFile } from 'node:fs/promises';
import { printable } from '@reactor/core/terminal';
import { CliError, EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { parseEnvFile } from '../../project/env-file.js';
import { ask, isInteractive, readInput } from '../../prompt.js';
import { columns, localTime } from '../../text.js';
import { FunctionsServer, type Variable, variableKey } from './server.js';

/** Which of the two commands it is: they differ in whether the values can be read again. */
export type VariableKind = 'secrets' | 'env';

const PAIR = /^([A-Z][A-Z0-9_]{0,127})(?:=([\s\S]*))?$/;
const RULE = 'KEY has up to 128 characters A-Z 0-9 _ and begins with a letter.';

/** The words behind `set <name>`. */
export interface SetOptions {
  /** `KEY=value`, or `KEY` alone for one that is read or asked for. */
  readonly pairs: readonly string[];
  /** Absolute. */
  readonly envFile?: string;
}

/**
 * `reactor functions secrets set` and `env set`: one variable after the other, once all of them are known to be well-formed.
 * Values are never printed.
 */
export async function setVariables(
  client: Client,
  output: Output,
  io: Io,
  kind: VariableKind,
  name: string,
  options: SetOptions,
): Promise<number> {
  const values = await valuesOf(io, options);
  const server = new FunctionsServer(client, output.signal);
  const set: string[] = [];
  for (const [key, value] of values) {
    try {
      await server.setVariable(name, key, value, kind === 'secrets');
    } catch (error) {
      if (set.length > 0) output.warn(`set before this: ${set.join(', ')}`);
      throw error;
    }
    set.push(key);
  }
  await output.result({ function: name, set }, () => set.map((key) => `set ${key}\n`).join(''));
  return EXIT.ok;
}

/** `reactor functions secrets list`: names and times. `env list`: with their values. */
export async function listVariables(client: Client, output: Output, kind: VariableKind, name: string): Promise<number> {
  const all = await new FunctionsServer(client, output.signal).variables(name);
  const variables = all.filter((variable) => variable.is_secret === (kind === 'secrets'));
  await output.result({ function: name, [kind]: variables }, () =>
    variables.length === 0 ? `no ${kind === 'secrets' ? 'secrets' : 'variables'}\n` : columns(variableRows(variables)),
  );
  return EXIT.ok;
}

/** `reactor functions secrets unset` and `env unset`. */
export async function unsetVariables(
  client: Client,
  output: Output,
  name: string,
  keys: readonly string[],
): Promise<number> {
  const server = new FunctionsServer(client, output.signal);
  const unset: string[] = [];
  for (const key of keys.map(variableKey)) {
    try {
      await server.unsetVariable(name, key);
    } catch (error) {
      if (unset.length > 0) output.warn(`removed before this: ${unset.join(', ')}`);
      throw error;
    }
    unset.push(key);
  }
  await output.result({ function: name, unset }, () => unset.map((key) => `removed ${key}\n`).join(''));
  return EXIT.ok;
}

/** Name, value or that it is a secret, and since when. */
export function variableRows(variables: readonly Variable[]): string[][] {
  return variables.map(({ key, value, is_secret: isSecret, last_updated_at: at }) => [
    printable(key),
    isSecret ? '(secret)' : printable(value ?? ''),
    localTime(at),
  ]);
}

async function valuesOf(io: Io, { pairs, envFile }: SetOptions): Promise<ReadonlyMap<string, string>> {
  const values = new Map(envFile === undefined ? [] : parseEnvFile(envFile, await readEnvFile(envFile)));
  const missing: string[] = [];
  for (const [index, pair] of pairs.entries()) {
    const [, key, value] = PAIR.exec(pair) ?? [];
    if (key === undefined) {
      // Not the word itself: it may be the value.
      throw new CliError('INVALID_ARGUMENT', `word ${index + 1} is neither KEY nor KEY=value`, RULE);
    }
    if (value === undefined) missing.push(key);
    else values.set(key, value);
  }
  if (values.size + missing.length === 0) {
    throw new CliError(
      'MISSING_ARGUMENT',
      'nothing to set',
      'Give KEY=value, KEY alone to be asked, or --env-file <file>.',
    );
  }
  if (isInteractive(io)) {
    for (const key of missing) values.set(key, await ask(io, `${key}: `, { hidden: true }));
    return values;
  }
  const [key, ...others] = missing;
  if (others.length > 0) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'standard input is one value',
      `Give ${others.join(', ')} in other calls, or use --env-file.`,
    );
  }
  if (key !== undefined) values.set(key, await readInput(io));
  return values;
}

async function readEnvFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CliError('IO_ERROR', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
