import { collectDefaultMetrics, Registry } from 'prom-client';
import type { HttpHandler } from '../http/http-server.ts';

let process: Registry | undefined;

/** The metrics of this process: once, however many registries run in it, as they watch it for ever. */
function processMetrics(): Registry {
  if (process === undefined) {
    process = new Registry();
    collectDefaultMetrics({ register: process });
  }
  return process;
}

/** The page that Prometheus reads: these metrics, and those of the process. */
export function metricsPage(register: Registry): HttpHandler {
  return async (_request, response) => {
    const pages = [register, processMetrics()].map((each) => each.metrics());
    const text = (await Promise.all(pages)).join('\n');
    response.setHeader('content-type', register.contentType).end(text);
  };
}
