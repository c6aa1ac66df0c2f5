import { ConfigError, EXIT } from '@reactor/core';
import { StateDirectoryLockedError, StateDirectoryUnusableError } from '@reactor/postgres';
import { Command, CommanderError } from 'commander';
import { renderConfig } from './commands/check-config.js';
import { doctor } from './commands/doctor.js';
import { migrateDatabase } from './commands/migrate.js';
import { serve } from './commands/serve.js';
import { readSettings } from './config/settings.js';
import { ExitError } from './exit.js';
import { serverVersion } from './version.js';

const program = new Command('reactor-server')
  .description('Auth, storage and more behind one port, with one observability surface. Without a command: serve.')
  .version(`reactor-server ${serverVersion()}`, '-V, --version')
  .option('--config <path>', 'configuration file (default: Reactor.toml of this folder, if there is one)')
  .option('--bind <address:port>', 'listen address, over server.bind')
  .option('--state-dir <path>', 'folder with everything local, over server.state_dir')
  .option('--admin-token <token>', 'bearer token of the operator, over admin.token')
  .exitOverride();

const settings = () =>
  readSettings({
    flags: program.opts(),
    environment: process.env,
    directory: process.cwd(),
    output: {
      terminal: process.stdout.isTTY === true,
      // https://no-color.org
      color: process.stdout.isTTY === true && !process.env.NO_COLOR,
    },
  });

program
  .command('serve', { isDefault: true })
  .description('run the server until SIGTERM, SIGINT or SIGHUP')
  .action(async () => serve(await settings()));
program
  .command('doctor')
  .description('run every probe, with the server running or not, and exit 1 when one fails')
  .option('--json', 'print the report as JSON')
  .action(async (options: { json?: boolean }) => {
    process.exitCode = await doctor(await settings(), { json: options.json === true });
  });
program
  .command('migrate')
  .description('apply the pending migrations and exit')
  .action(async () => migrateDatabase(await settings()));
program
  .command('check-config')
  .description('show the effective configuration, secrets masked, with where each value came from')
  .action(async () => {
    process.stdout.write(renderConfig((await settings()).loaded));
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exit(report(error));
}

/** Says on stderr why the process ends, and with which code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.configuration;
  if (error instanceof ConfigError) {
    process.stderr.write(`reactor-server: configuration\n${error.problems.map((line) => `  ${line}\n`).join('')}`);
    return EXIT.configuration;
  }
  if (error instanceof StateDirectoryLockedError || error instanceof StateDirectoryUnusableError) {
    process.stderr.write(`reactor-server: ${error.message}\n`);
    return EXIT.configuration;
  }
  if (error instanceof ExitError) {
    process.stderr.write(`reactor-server: ${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`reactor-server: ${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.uncaught;
}
