import type { Setting } from './sources.js';

/**
 * Values of keys that nobody set.
 * @param dev whether `project.env` is `dev`
 * @param withoutFile whether there is no Reactor.toml: then nothing is meant to be reached from outside
 */
export function defaultSettings(dev: boolean, withoutFile: boolean): Setting[] {
  const defaults: Record<string, unknown> = {
    'project.name': 'reactor',
    'project.env': withoutFile ? 'dev' : 'production',
    'server.bind': withoutFile ? '127.0.0.1:8000' : '0.0.0.0:8000',
    'server.state_dir': '.reactor',
    'server.request_timeout_secs': 30,
    'server.grace_secs': dev ? 0 : 5,
    'server.max_header_bytes': 16_384,
    'server.max_body_bytes': 1_048_576,
    'server.trusted_proxies': [],
    'database.prepared_statements': 'auto',
    'database.pool_max': 20,
    'database.acquire_timeout_secs': 5,
    'tracing.filter': 'info',
    'tracing.ring_bytes': 4_194_304,
    'admin.allow_remote': false,
    'auth.allow_signup': dev,
  };
  return Object.entries(defaults).map(([path, value]) => ({ path, value, origin: 'default', untyped: false }));
}
