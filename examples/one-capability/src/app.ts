import { type BlobStore, type Capability, type HealthResult, type ProbeResult, ReactorError } from '@reactor/core';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { Counter, type Registry } from 'prom-client';

/** A shop that had its own routes, errors, metrics and health before it got storage. */
export function createApp(storage: Capability, blobs: BlobStore, registry: Registry): Hono {
  const orders = new Counter({ name: 'shop_orders_total', help: 'Orders placed.', registers: [registry] });
  for (const { metrics } of [storage, blobs]) metrics.register(registry);

  const app = new Hono();
  app.onError((error, c) => {
    // Hono's HTTPException and Reactor's errors both know their answer.
    if (error instanceof HTTPException || error instanceof ReactorError) return error.getResponse();
    console.error(error);
    return c.text('The shop is closed for a moment.', 500);
  });
  app.notFound((c) => c.text('The shop has no such page.', 404));

  app.post('/orders', (c) => {
    orders.inc();
    return c.json({ ordered: true }, 201);
  });
  app.get('/broken', () => {
    throw new TypeError('a fault of the shop');
  });

  // This line is all it takes. Its errors keep their form, whatever the shop does with its own.
  app.route(storage.basePath, storage.routes);

  // prom-client's renderer: the families of storage and its blob store are metrics to it like any other.
  app.get('/metrics', async (c) => c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType }));

  app.get('/healthz', async (c) => {
    const result = await checkHealth(storage);
    return c.json({ shop: 'ok', storage: result }, result.status === 'ok' ? 200 : 503);
  });

  app.get('/doctor', async (c) => c.json(await runProbes(storage)));
  return app;
}

/** A check may reject or run late; for its caller, that is an answer too. */
async function checkHealth({ health }: Capability): Promise<HealthResult> {
  try {
    return await health.check(AbortSignal.timeout(health.timeoutMs));
  } catch {
    return { status: 'error', reason: 'the check did not finish' };
  }
}

async function runProbes({ probes }: Capability): Promise<Record<string, ProbeResult>> {
  const results = await Promise.all(
    probes.map(async ({ name, timeoutMs, run }): Promise<[string, ProbeResult]> => {
      try {
        return [name, await run(AbortSignal.timeout(timeoutMs))];
      } catch (error) {
        return [name, { status: 'fail', message: String(error), remedy: 'See the log.' }];
      }
    }),
  );
  return Object.fromEntries(results);
}
