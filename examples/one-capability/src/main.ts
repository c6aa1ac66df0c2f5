import { randomBytes } from 'node:crypto';
import { createLogger } from './logger.js';
import { startShop } from './start.js';

const { DATABASE_URL, STATE_DIR = '.reactor', PORT = '8080', ADMIN_TOKEN } = process.env;
const adminToken = ADMIN_TOKEN ?? randomBytes(24).toString('hex');

const shop = await startShop({
  stateDirectory: STATE_DIR,
  ...(DATABASE_URL === undefined ? {} : { databaseUrl: DATABASE_URL }),
  adminToken,
  port: Number(PORT),
  logger: createLogger('shop'),
});
console.log(`listening on ${shop.url}`);
if (ADMIN_TOKEN === undefined) console.log(`admin token ${adminToken}`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void shop.stop());
}
