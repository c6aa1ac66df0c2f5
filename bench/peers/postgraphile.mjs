// PostGraphile with its Amber preset on Node's own HTTP server. Each query runs as the role that the policies are for, with
// the claims of the token that the policies ask for.
import { createServer } from 'node:http';
import { createVerifier } from 'fast-jwt';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { listening, settings } from './settings.mjs';

const { connectionString, poolSize, publicKey, issuer, audience } = settings;
const verify = createVerifier({
  key: publicKey,
  algorithms: ['ES256'],
  allowedIss: issuer,
  allowedAud: audience,
  cache: true,
});

const serv = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ connectionString, poolConfig: { max: poolSize }, schemas: ['public'] })],
  grafast: {
    context({ node }) {
      const claims = verify(node.req.headers.authorization?.slice('Bearer '.length) ?? '');
      return { pgSettings: { role: 'reactor_authenticated', 'request.jwt.claims': JSON.stringify(claims) } };
    },
  },
  grafserv: { graphiql: false, watch: false },
}).createServ(grafserv);

const server = createServer();
await serv.addTo(server);
server.listen(0, '127.0.0.1', () => listening(server.address().port));
