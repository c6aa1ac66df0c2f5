export { type Account, chooseAccount, NoAccountError } from './account.js';
export { findOwner, supervisorName } from './owner.js';
export { processStart } from './process-identity.js';
export { commandLine, isAlive, killWithChildren, parentOf } from './process-table.js';
export { type RunOptions, type RunResult, run } from './run.js';
export {
  prepareSocketDirectory,
  type SocketDirectory,
  SocketDirectoryError,
  type SocketDirectoryOptions,
} from './socket-directory.js';
