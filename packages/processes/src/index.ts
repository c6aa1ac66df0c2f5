export { type Account, chooseAccount, NoAccountError } from './account.js';
export { findOwner } from './owner.js';
export { processStart } from './process-identity.js';
export { commandLine, isAlive, killWithChildren } from './process-table.js';
export { RestartBackoff, type RestartBackoffOptions } from './restart-backoff.js';
export { type RunOptions, type RunResult, run } from './run.js';
export { SHARED_ROOT } from './shared-root.js';
export { slowDown } from './slow-down.js';
export {
  prepareSocketDirectory,
  type SocketDirectory,
  SocketDirectoryError,
  type SocketDirectoryOptions,
} from './socket-directory.js';
export { type ChildExit, SupervisedChild, type SuperviseOptions } from './supervised-child.js';
export type { EndStep, ResourceLimits } from './supervisor.js';
