import type { AddressInfo } from 'node:net';
import { meterHandler, observationRegistry } from '@reactor/reactive-metrics';
import { prometheusRegistry } from '@reactor/reactive-metrics/prometheus';
import { Registry } from 'prom-client';
import { temperatureFeed } from './feed.js';
import { serveMetrics } from './server.js';

const target = new Registry();
const registry = prometheusRegistry(target);
const observations = observationRegistry({ handlers: [meterHandler(registry)] });
const feed = temperatureFeed({ registry, observations, period: 100, readingsPerConnection: 50 });

const consumers = [feed.readings().subscribe(), feed.stored().subscribe()];
const server = await serveMetrics(target, Number(process.env.PORT ?? 9464));
const { port } = server.address() as AddressInfo;
console.log(`metrics on http://127.0.0.1:${port}/metrics`);

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

function stop(): void {
  for (const consumer of consumers) consumer.unsubscribe();
  feed.stop();
  server.close();
  server.closeAllConnections();
}
