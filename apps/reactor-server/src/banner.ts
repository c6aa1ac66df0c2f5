import path from 'node:path';

export interface BannerFacts {
  readonly version: string;
  readonly url: string;
  /** Without a password. */
  readonly database: string;
  /** Where the generated admin token is; undefined when it was configured. */
  readonly adminTokenFile?: string;
  readonly capabilities: readonly string[];
  readonly bootMs: number;
}

/** What a person wants to know once the server is up. Goes to stderr: stdout belongs to the log. */
export function banner({ version, url, database, adminTokenFile, capabilities, bootMs }: BannerFacts): string {
  const token = adminTokenFile === undefined ? 'admin.token of the configuration' : relative(adminTokenFile);
  const bearer = adminTokenFile === undefined ? '$REACTOR_ADMIN_TOKEN' : `$(cat ${relative(adminTokenFile)})`;
  return `
  Reactor ${version} is ready after ${(bootMs / 1000).toFixed(2)} s

  API          ${url}  (${capabilities.join(', ') || 'no capability: Reactor.toml lists none'})
  Database     ${database}
  Admin token  ${token}

  Try
    curl ${url}/health
    curl ${url}/metrics
    curl -H "Authorization: Bearer ${bearer}" ${url}/_admin/doctor

`;
}

function relative(file: string): string {
  const short = path.relative(process.cwd(), file);
  return short.startsWith('..') ? file : short;
}
