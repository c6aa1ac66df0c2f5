import { execFile } from 'node:child_process';
import { CLI, NODE, type TestServer } from './server.js';

/** How the command ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `reactor` for a person in the project folder of a server, where it finds address and token by itself. */
export function reactor({ directory }: Pick<TestServer, 'directory'>, ...args: string[]): Promise<Ran> {
  const env = { PATH: process.env.PATH, HOME: directory, REACTOR_OUTPUT: 'human' };
  return new Promise((resolve) => {
    execFile(NODE, [CLI, ...args], { cwd: directory, env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}
