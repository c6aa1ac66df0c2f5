export type { ArchiveEntry, ArchiveLimits } from './entry.js';
export { archiveErrors } from './errors.js';
export { readArchive } from './read.js';
export { writeArchive } from './write.js';
