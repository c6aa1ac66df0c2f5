import { requireNode } from './node-version.js';

requireNode();
// The database driver would look for a native twin that is not installed, and end the process without it.
delete process.env.NODE_PG_FORCE_NATIVE;
// Not a static import, which would be loaded before the check.
import('./command-line.js');
