import { join, resolve } from 'node:path';
import { CliError } from './errors.js';
import type { Io } from './io.js';
import { readIfThere } from './project/files.js';
import { findProject, type Project } from './project/find.js';

/** What decides which server is meant; flags and environment win over what is found on disk. */
export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  /** Folder to look in instead of the working directory. */
  readonly project?: string;
}

/** A server to talk to. */
export interface Connection {
  readonly url: URL;
  readonly token?: string;
  /** Why there is no token, as a hint; set exactly when there is none. */
  readonly tokenHint?: string;
  /** Where the server runs, when that is on this machine and known. */
  readonly project?: Project;
}

const DEFAULT_URL = 'http://127.0.0.1:8000';

/**
 * @throws CliError `URL_ERROR` for an invalid address, and what `findProject` throws
 */
export async function resolveConnection(options: ConnectionOptions, io: Io): Promise<Connection> {
  const given = options.url ?? nonEmpty(io.env.REACTOR_URL);
  const project = await findProject(resolve(io.directory, options.project ?? '.'), io.env);
  const url = given === undefined ? urlOf(project) : parseServerUrl(given);
  const token = options.token ?? nonEmpty(io.env.REACTOR_ADMIN_TOKEN);
  const base = { url, ...(project === undefined ? {} : { project }) };
  if (token !== undefined) return { ...base, token };

  if (project === undefined) {
    return {
      ...base,
      tokenHint: 'Run in the folder of the server or name it with --project, or set REACTOR_ADMIN_TOKEN.',
    };
  }
  // A token found on this machine opens this machine's server and must not travel to another one.
  if (given !== undefined && !isLocal(url)) {
    return { ...base, tokenHint: `Set REACTOR_ADMIN_TOKEN to the token of ${url.host}.` };
  }
  const { adminToken, adminTokenUnset, path = 'the environment' } = project.settings;
  if (adminTokenUnset !== undefined) {
    const why = `which is admin.token in ${path}`;
    return { ...base, tokenHint: `Set ${adminTokenUnset}, ${why}, or REACTOR_ADMIN_TOKEN.` };
  }
  const found = adminToken ?? (await readTokenFile(project));
  if (found !== undefined) return { ...base, token: found };
  return {
    ...base,
    tokenHint: `There is no ${join(project.stateDirectory, 'admin-token')}; set REACTOR_ADMIN_TOKEN to admin.token of the server, or name its folder with --project.`,
  };
}

async function readTokenFile(project: Project): Promise<string | undefined> {
  return (await readIfThere(join(project.stateDirectory, 'admin-token')))?.trim() || undefined;
}

function urlOf(project: Project | undefined): URL {
  if (project?.lock?.alive === true && project.lock.url !== undefined) return parseServerUrl(project.lock.url);
  const bind = project?.settings.bind;
  return parseServerUrl(bind === undefined ? DEFAULT_URL : `http://${bind}`);
}

/**
 * An address to connect to; one to listen on everywhere becomes this machine's.
 * @throws CliError `URL_ERROR`
 */
export function parseServerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CliError(
      'URL_ERROR',
      `${JSON.stringify(text)} is not a server's address`,
      'Give one like http://127.0.0.1:8000.',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new CliError('URL_ERROR', 'the address must not carry credentials', 'Use --token or REACTOR_ADMIN_TOKEN.');
  }
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  return url;
}

function isLocal({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
