import { createServer, type Server } from 'node:http';
import { Registry } from 'prom-client';

/**
 * Serves `target` on `/metrics`: OpenMetrics to those who ask for it, else the Prometheus text format.
 * @param port 0 for any free one
 */
export function serveMetrics(target: Registry, port: number): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end('try /metrics\n');
      return;
    }
    const open = request.headers.accept?.includes('application/openmetrics-text') === true;
    try {
      const { contentType, body } = await render(target, open);
      response.writeHead(200, { 'content-type': contentType }).end(body);
    } catch (error) {
      console.error('the metrics could not be rendered', error);
      response.writeHead(500).end();
    }
  });
  return new Promise((listening, failed) => {
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => listening(server));
  });
}

async function render(target: Registry, open: boolean): Promise<{ contentType: string; body: string }> {
  // A registry has one content type at a time, and scrapes may overlap: each gets a view of its own.
  const view = Registry.merge([target]);
  if (open) view.setContentType(OPEN_METRICS as never);
  return { contentType: view.contentType, body: await view.metrics() };
}

const OPEN_METRICS = Registry.OPENMETRICS_CONTENT_TYPE;
