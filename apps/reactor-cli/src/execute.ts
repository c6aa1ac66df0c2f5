import type { Client } from './http/client.js';
import type { Output } from './output.js';

/** A command once its server and its form of output are known; gives the exit code. */
export type Run = (client: Client, output: Output) => Promise<number>;

/** Finds the server and the form of output, and runs a command with them. */
export type Execute = (run: Run) => Promise<void>;
