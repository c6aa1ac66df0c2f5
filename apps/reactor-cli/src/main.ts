import { requireNode } from './node-version.js';

requireNode();
// Not a static import, which would be loaded before the check.
import('./command-line.js');
