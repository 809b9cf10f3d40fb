import { collectDefaultMetrics, Registry } from 'prom-client';
import type { HttpHandler } from '../http-server.ts';
import type { MetricSet } from './metric-set.ts';

let process: Registry | undefined;

/** The metrics of this process: once, however many servers run in it, as they watch it for ever. */
function processMetrics(): Registry {
  if (process === undefined) {
    process = new Registry();
    collectDefaultMetrics({ register: process });
  }
  return process;
}

/** Answers `GET /metrics`: these metrics, no two of one name, and those of the process. */
export function metricsPage(...sets: readonly MetricSet[]): HttpHandler {
  // What it watches, such as the pauses of the garbage collector, is watched from the start on.
  const ofProcess = processMetrics();
  return async (_request, response) => {
    const texts = await Promise.all([...sets.map((set) => set.text()), ofProcess.metrics()]);
    response.setHeader('content-type', ofProcess.contentType).end(texts.join('\n'));
  };
}
