// Parse Server on its PostgreSQL adapter: classes that only signed-in users may use, each object with the ACL of its owner.
import { ParseServer } from 'parse-server';
import { listening, settings } from './settings.mjs';

const { connectionString, poolSize, port, keys } = settings;
const { pathname, searchParams } = new URL(connectionString.replace('@/', '@localhost/'));
const signedIn = { requiresAuthentication: true };
const permissions = { get: signedIn, find: signedIn, create: signedIn, update: signedIn, delete: signedIn };
const fields = {
  title: { type: 'String' },
  done: { type: 'Boolean', defaultValue: false },
  priority: { type: 'Number' },
};

await ParseServer.startApp({
  ...keys,
  appName: 'bench',
  databaseURI: `postgresql://postgres@localhost${pathname}?max=${poolSize}`,
  // A folder: the Unix socket that the other servers connect to as well.
  databaseOptions: { host: searchParams.get('host') },
  serverURL: `http://127.0.0.1:${port}/parse`,
  mountPath: '/parse',
  host: '127.0.0.1',
  port,
  schema: {
    definitions: ['Todo', 'Note'].map((className) => ({ className, fields, classLevelPermissions: permissions })),
    lockSchemas: true,
    strict: true,
  },
});
listening(port);
