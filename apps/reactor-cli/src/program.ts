import { resolve } from 'node:path';
import { CAPABILITY_NAMES } from '@reactor/core/terminal';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { expose } from './commands/db/expose.js';
import { migrate } from './commands/db/migrate.js';
import { dbStatus } from './commands/db/status.js';
import { types } from './commands/db/types.js';
import { doctor } from './commands/doctor.js';
import { addFunctionCommands } from './commands/functions/add.js';
import { health } from './commands/health.js';
import { type LogsOptions, logs } from './commands/logs.js';
import { status } from './commands/status.js';
import { version } from './commands/version.js';
import { type ConnectionOptions, resolveConnection } from './connection.js';
import { CliError, EXIT, toCliError } from './errors.js';
import type { Execute } from './execute.js';
import { Client } from './http/client.js';
import type { Io } from './io.js';
import { type Format, Output } from './output.js';
import { cliVersion } from './version.js';

interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly output?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly verbose?: boolean;
}

/**
 * Runs one command line.
 * @param argv what comes after the program's name
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = createProgram(io, async (run) => {
    const options = program.opts<GlobalOptions>();
    const chosen = options.json === true || (options.output ?? io.env.REACTOR_OUTPUT ?? '') !== '';
    const output = new Output(io, formatOf(options, io), chosen);
    const trace = options.verbose === true ? (line: string) => void io.stderr.write(`${line}\n`) : () => {};
    const connection = await resolveConnection(options, io);
    exitCode = await run(
      new Client({ connection, timeoutMs: options.timeout * 1000, signal: io.signal, trace }),
      output,
    );
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    const isInterrupted = error instanceof CliError && error.code === 'INTERRUPTED';
    if (io.signal.aborted && !isInterrupted) return EXIT.ok;
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    // A command line that cannot be understood may still say how it wants its errors.
    const format = argv.includes('--json') ? 'raw' : safeFormat(program.opts<GlobalOptions>(), io);
    const problem = error instanceof CommanderError ? argumentError(error, program.args) : toCliError(error);
    new Output(io, format).error(problem);
    return problem.exitCode;
  }
}

function createProgram(io: Io, execute: Execute): Command {
  const program = new Command('reactor')
    .description(
      'Look into a running Reactor server. In the folder of a project or of a server it finds both by itself.',
    )
    .version(`reactor-cli ${cliVersion()}`, '--version', 'print the version of this command line')
    .option('--url <url>', 'address of the server (REACTOR_URL)')
    .option('--token <token>', 'admin token (REACTOR_ADMIN_TOKEN)')
    .option('--project <dir>', 'look for the server in this folder instead of the working directory')
    .option('--json', 'print the data alone as JSON')
    .option(
      '-o, --output <format>',
      'human or json, which is {"ok":…,"data":…} (REACTOR_OUTPUT). Without it: human on a terminal, json into a pipe',
    )
    .option('--timeout <seconds>', 'how long to wait for each answer', parseTimeout, 30)
    .option('-v, --verbose', 'show each request on standard error')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      // Told by runCli, in the form that was asked for.
      writeErr: () => {},
    })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();

  program
    .command('doctor')
    .description('say what is wrong and what to do about it; exits with 5 when something fails')
    .action(() => execute(doctor));
  program
    .command('logs')
    .description('show the log of the server')
    .argument('[capability]', 'the same as --capability')
    .option('--capability <name>', `${CAPABILITY_NAMES.join(', ')} or all`)
    .option('--since <time>', 'RFC 3339, or a duration back from now: 30s, 15m, 1h, 2d')
    .option('--level <level>', 'least level: trace, debug, info, warn, error')
    .option('--target <prefix>', 'beginning of the target: reactor_data::sql')
    .option('--request-id <id>', 'lines of one request')
    .option('--user <id>', 'lines of one user, by the sub claim')
    .option('--limit <count>', 'the newest kept lines, at most this many')
    .option('-f, --follow', 'go on with live lines until Ctrl-C')
    .action((capability: string | undefined, options: LogsOptions) =>
      execute((client, output) => logs(client, output, capability, options)),
    );
  program
    .command('status')
    .description('say whether a server runs, since when, and whether it is healthy')
    .action(() => execute(status));
  program
    .command('health')
    .description('check its health once; exits with 5 when something fails')
    .action(() => execute(health));
  program
    .command('version')
    .description('print the versions of this command line and of the server')
    .action(() => execute(version));
  addDatabaseCommands(program, io, execute);
  addFunctionCommands(program, io, execute);
  return program;
}

function addDatabaseCommands(program: Command, io: Io, execute: Execute): void {
  const db = program.command('db').description('tables of the app: migrate, status, expose, types');
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(io.directory, path));
  const folder = ['[folder]', 'folder with *.sql files; else data.migrations_dir of the server'] as const;
  db.command('migrate')
    .description('apply the migrations that are pending, each in a transaction of its own')
    .argument(...folder)
    .option('--dry-run', 'try them all and undo them')
    .action((path: string | undefined, options: { readonly dryRun?: boolean }) =>
      execute((client, output) => migrate(client, output, absolute(path), options)),
    );
  db.command('status')
    .description('show which migrations are applied; exits with 5 when one is pending or has changed')
    .argument(...folder)
    .action((path: string | undefined) => execute((client, output) => dbStatus(client, output, absolute(path))));
  db.command('expose')
    .description('open to requests what was in the database before Reactor, where row-level security is on')
    .argument('[names...]', 'tables, views and functions of the schema public')
    .option('--all', 'everything that is withheld')
    .action((names: string[], options: { readonly all?: boolean }) =>
      execute((client, output) => expose(client, output, names, options)),
    );
  db.command('types')
    .description('print the tables and functions as TypeScript; --output <file> puts them into a file')
    .action(() => {
      const file = absolute(takeOutputFile(program));
      return execute((client, output) => types(client, output, file));
    });
}

/** `--output` may also be a file where the result is one: any word that is not a format. A file called `json` is `./json`. */
function takeOutputFile(program: Command): string | undefined {
  const { output } = program.opts<GlobalOptions>();
  if (output === undefined || Object.hasOwn(FORMATS, output)) return undefined;
  program.setOptionValue('output', undefined);
  return output;
}

const FORMATS: Readonly<Record<string, Format>> = { human: 'human', text: 'human', json: 'json' };

/** @throws CliError `INVALID_ARGUMENT` */
function formatOf({ json, output }: GlobalOptions, io: Io): Format {
  if (json === true) {
    if (output === undefined) return 'raw';
    throw new CliError('INVALID_ARGUMENT', '--json and --output exclude each other', 'Use one of them.');
  }
  const wanted = output ?? (io.env.REACTOR_OUTPUT || undefined);
  if (wanted === undefined) return io.stdout.isTTY === true ? 'human' : 'json';
  const format = Object.hasOwn(FORMATS, wanted) ? FORMATS[wanted] : undefined;
  if (format !== undefined) return format;
  throw new CliError(
    'INVALID_ARGUMENT',
    `there is no output format ${JSON.stringify(wanted)}`,
    'Accepted: human, json.',
  );
}

function safeFormat(options: GlobalOptions, io: Io): Format {
  try {
    return formatOf(options, io);
  } catch {
    return 'human';
  }
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  // Node's timers end at 2^31 ms.
  if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('It must be seconds, up to 86400.');
  return seconds;
}

/** @param commands the words of the command line that are no options */
function argumentError({ code, message }: CommanderError, commands: readonly string[]): CliError {
  if (code === 'commander.help') {
    return new CliError('MISSING_ARGUMENT', 'no command', `${['reactor', ...commands].join(' ')} --help lists them.`);
  }
  const missing = code === 'commander.missingArgument' || code === 'commander.optionMissingArgument';
  return new CliError(
    missing ? 'MISSING_ARGUMENT' : 'INVALID_ARGUMENT',
    message.replace(/^error: /, '').replace(/\n+/g, ' '),
  );
}
