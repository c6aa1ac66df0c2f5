/** What the repository's own checks read; the server itself is run, not imported. */
export { capabilitySchemas } from './capabilities.js';
export { defaultSettings } from './config/defaults.js';
export { SERVER_SECTIONS } from './config/server-config.js';
export { EXIT } from './exit.js';
