// What tests share that imports nothing of Reactor, not even its types: also for tests of the built programs, which import no source.
export { memoryDirectory } from './memory-directory.js';
export { COMMAND_TIMEOUT_MS, runCommand } from './run-command.js';
export { temporaryDirectory } from './temporary-directory.js';
export { whenOver } from './when-over.js';
