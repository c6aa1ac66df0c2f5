import { printable } from '@reactor/core/terminal';
import { EXIT } from '../../errors.js';
import type { Client } from '../../http/client.js';
import type { Output } from '../../output.js';
import { columns, localTime } from '../../text.js';
import { FunctionsServer } from './server.js';

/** `reactor functions list`: each function, and which version of it answers. */
export async function list(client: Client, output: Output): Promise<number> {
  const functions = await new FunctionsServer(client, output.signal).list();
  await output.result({ functions }, () => {
    if (functions.length === 0) return 'no functions; "reactor functions new <folder>" writes one\n';
    return columns(
      functions.map(({ name, current_version: version, updated_at: at, description }) => [
        printable(name),
        version == null ? 'nothing promoted' : `version ${version}`,
        localTime(at),
        printable(description ?? ''),
      ]),
    );
  });
  return EXIT.ok;
}
