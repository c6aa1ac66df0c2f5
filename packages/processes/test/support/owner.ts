import { SupervisedChild } from '../../src/index.js';

/** Starts what the argument says, tells each line of it, and stays until it is killed. */
export async function main(argument: string): Promise<void> {
  new SupervisedChild({
    ...JSON.parse(argument),
    onLine: (line) => process.stdout.write(`${line}\n`),
  });
}
