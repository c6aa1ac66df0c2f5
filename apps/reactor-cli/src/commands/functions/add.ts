import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Execute } from '../../execute.js';
import type { Io } from '../../io.js';
import { deleteFunction } from './delete.js';
import { deploy } from './deploy.js';
import { dev } from './dev.js';
import { type InvokeOptions, invoke } from './invoke.js';
import { list } from './list.js';
import { type FunctionLogsOptions, functionLogs } from './logs.js';
import { newFunction } from './new.js';
import { release } from './release.js';
import { show } from './show.js';
import { listVariables, setVariables, unsetVariables, type VariableKind } from './variables.js';

/** `reactor functions …` */
export function addFunctionCommands(program: Command, io: Io, execute: Execute): void {
  const functions = program
    .command('functions')
    .description('functions of the app: new, deploy, invoke, logs, secrets');
  const absolute = (path: string) => resolve(io.directory, path);
  const name = ['<name>', 'name of the function'] as const;
  const folder = ['<folder>', 'folder of the function'] as const;
  const nameOption = ['--name <name>', 'name of the function; else that of the folder'] as const;

  functions
    .command('list')
    .description('show all functions')
    .action(() => execute(list));
  functions
    .command('show')
    .description('show settings, versions and variables of a function')
    .argument(...name)
    .action((of: string) => execute((client, output) => show(client, output, of)));
  functions
    .command('new')
    .description('write a small function into a new folder')
    .argument('<folder>', 'a folder that is empty or not there')
    .option('--access <who>', 'who may call it: public, users or operator; users where nothing is said')
    .action((path: string, options: { readonly access?: string }) =>
      execute((_client, output) => newFunction(output, absolute(path), path, options)),
    );
  functions
    .command('deploy')
    .description('send a folder as a new version, which answers from then on')
    .argument(...folder)
    .option(...nameOption)
    .option('--no-promote', 'keep the version that answers now')
    .action((path: string, options: { readonly name?: string; readonly promote: boolean }) =>
      execute((client, output) => deploy(client, output, absolute(path), options)),
    );
  functions
    .command('promote')
    .description('have a version answer: the newest, or the one that is named')
    .argument(...name)
    .argument('[version]', 'version, or id of a deployment')
    .action((of: string, version: string | undefined) =>
      execute((client, output) => release(client, output, 'promote', of, version)),
    );
  functions
    .command('rollback')
    .description('have an earlier version answer: the one before, or the one that is named')
    .argument(...name)
    .argument('[version]', 'version, or id of a deployment')
    .action((of: string, version: string | undefined) =>
      execute((client, output) => release(client, output, 'rollback', of, version)),
    );
  functions
    .command('delete')
    .description('delete a function with its versions and variables')
    .argument(...name)
    .option('--yes', 'do not ask')
    .action((of: string, options: { readonly yes?: boolean }) =>
      execute((client, output) => deleteFunction(client, output, io, of, options)),
    );
  functions
    .command('invoke')
    .description('call a function and print its answer; exits with 1 or 5 when that is an error')
    .argument(...name)
    .argument('[path]', 'path and query behind its name: /orders?limit=5')
    .option('-X, --method <method>', 'GET, or POST with --data')
    .option('-d, --data <data>', 'body of the request; @file for that of a file, - for standard input')
    .option('-H, --header <header>', "'Name: value', once for each; without a value the header is not sent", collect)
    .option('-i, --include', 'print status and headers first')
    .action((of: string, path: string | undefined, options: InvokeOptions) =>
      execute((client, output) => invoke(client, output, io, of, path, options)),
    );
  functions
    .command('logs')
    .description('show what a function printed')
    .argument(...name)
    .option('--since <time>', 'RFC 3339, or a duration back from now: 30s, 15m, 1h, 2d')
    .option('--level <level>', 'least level: trace, debug, info, warn, error')
    .option('--request-id <id>', 'lines of one call')
    .option('-f, --follow', 'go on with live lines until Ctrl-C')
    .action((of: string, options: FunctionLogsOptions) =>
      execute((client, output) => functionLogs(client, output, of, options)),
    );
  functions
    .command('dev')
    .description('deploy a folder at each change of a file, and follow the log until Ctrl-C')
    .argument(...folder)
    .option(...nameOption)
    .action((path: string, options: { readonly name?: string }) =>
      execute((client, output) => dev(client, output, absolute(path), options)),
    );
  addVariableCommands(functions, io, execute, 'secrets', 'variables whose values cannot be read again');
  addVariableCommands(functions, io, execute, 'env', 'variables that are no secrets');
}

function addVariableCommands(
  functions: Command,
  io: Io,
  execute: Execute,
  kind: VariableKind,
  description: string,
): void {
  const group = functions.command(kind).description(`${description}: set, list, unset`);
  const name = ['<name>', 'name of the function'] as const;
  group
    .command('set')
    .description('set variables; the next call sees them')
    .argument(...name)
    .argument('[pairs...]', 'KEY=value, or KEY alone to be asked, or to take standard input')
    .option('--env-file <file>', 'file with KEY=value lines')
    .action((of: string, pairs: string[], { envFile }: { readonly envFile?: string }) =>
      execute((client, output) =>
        setVariables(client, output, io, kind, of, {
          pairs,
          ...(envFile === undefined ? {} : { envFile: resolve(io.directory, envFile) }),
        }),
      ),
    );
  group
    .command('list')
    .description(kind === 'secrets' ? 'show their names' : 'show them with their values')
    .argument(...name)
    .action((of: string) => execute((client, output) => listVariables(client, output, kind, of)));
  group
    .command('unset')
    .description('remove variables')
    .argument(...name)
    .argument('<keys...>', 'their names')
    .action((of: string, keys: string[]) => execute((client, output) => unsetVariables(client, output, of, keys)));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
