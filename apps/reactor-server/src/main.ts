import { requireNode } from './node-version.js';

requireNode();
// The database driver would look for a native twin that is not installed, and end the process without it.
delete process.env.NODE_PG_FORCE_NATIVE;
// better-auth would take trusted origins and secrets from these, past Reactor.toml.
for (const name of Object.keys(process.env)) if (name.startsWith('BETTER_AUTH_')) delete process.env[name];
// Not a static import, which would be loaded before the check.
import('./command-line.js');
