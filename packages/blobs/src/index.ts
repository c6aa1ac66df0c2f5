export { createFilesystemBlobStore, type FilesystemBlobStoreOptions } from './filesystem/filesystem.js';
