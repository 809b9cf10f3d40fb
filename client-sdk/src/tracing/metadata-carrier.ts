import type { Metadata } from '@grpc/grpc-js';
import { type Context, propagation } from '@opentelemetry/api';

const carrier = {
  get: (metadata: Metadata, key: string) => metadata.get(key)[0]?.toString(),
  set: (metadata: Metadata, key: string, value: string) => metadata.set(key, value),
  keys: (metadata: Metadata) => Object.keys(metadata.getMap()),
};

/** The trace that came with a call (W3C `traceparent`, or what else the program has set up). */
export function extractTrace(parent: Context, metadata: Metadata): Context {
  return propagation.extract(parent, metadata, carrier);
}

/** Lets a call carry the trace of `context`. */
export function injectTrace(context: Context, metadata: Metadata): void {
  propagation.inject(context, metadata, carrier);
}
