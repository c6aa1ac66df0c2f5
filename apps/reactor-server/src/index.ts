/** What the repository's own checks read; the server itself is run, not imported. */
export { CAPABILITIES } from './capabilities.js';
export { DEFAULTS_WITHOUT_FILE, SERVER_SECTIONS } from './config/sections.js';
export { readSettings } from './config/settings.js';
export { assemble, openSecrets } from './platform.js';
