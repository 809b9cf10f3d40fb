import { setImmediate } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { route } from '@weft/proto';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { collected, StreamServiceDefinition, saying } from '../support/stream-service.ts';
import { stubCall } from '../support/stub-call.ts';

const ended: ReadableSpan[] = [];
const instrumentation = new GrpcInstrumentation({ enabled: false });
const stops: (() => unknown)[] = [];
let caller: Mesh;

beforeAll(async () => {
  // Jest loads modules itself, past the hooks by which the instrumentation finds grpc-js.
  const [definition] = [instrumentation.getModuleDefinitions()].flat();
  definition?.patch?.(grpc);
  const processor = { onEnd: (span: ReadableSpan) => void ended.push(span) };
  const idle = { forceFlush: async () => {}, shutdown: async () => {}, onStart: () => {} };
  const provider = new TracerProvider({ spanProcessors: [{ ...idle, ...processor }] });
  instrumentation.setTracerProvider(provider);
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());

  const registry = await createTestRegistry();
  const host = createMesh({ registry: registry.address });
  caller = createMesh({ registry: registry.address });
  stops.push(
    () => caller.close(),
    () => host.close(),
    () => registry.close(),
    () => definition?.unpatch?.(grpc),
  );
  const service = await host.serve({
    name: 'stream',
    handleSignals: false,
    routes: [
      route(StreamServiceDefinition, {
        unary: async () => saying(trace.getActiveSpan()?.spanContext().spanId ?? 'none'),
        serverStream: async function* () {
          yield saying('1');
        },
        clientStream: async () => saying('1'),
        bidi: async function* () {
          yield saying('1');
        },
      }),
    ],
  });
  stops.unshift(() => service.close());
  await service.registered();
});

beforeEach(() => {
  ended.length = 0;
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

async function* requests() {
  yield { id: 'x' };
}

/** The spans of one call in a span of the test's own, as `KIND name < KIND name of its parent ...`. */
async function chainsOf(call: () => Promise<unknown>): Promise<string[]> {
  const traceId = await trace.getTracer('test').startActiveSpan('test', async (span) => {
    await call();
    span.end();
    return span.spanContext().traceId;
  });
  const spans = () => ended.filter((span) => span.spanContext().traceId === traceId);
  const chain = (span: ReadableSpan | undefined): string[] => {
    if (span === undefined) return [];
    const parentId = span.parentSpanContext?.spanId;
    const parent = spans().find((each) => each.spanContext().spanId === parentId);
    return [`${SpanKind[span.kind]} ${span.name}`, ...chain(parent)];
  };
  await eventually(() => expect(spans().map(({ kind }) => kind)).toContain(SpanKind.SERVER));
  // A second span of the server would end in the same turn as the first.
  await setImmediate();
  const calls = spans().filter(({ kind }) => kind !== SpanKind.INTERNAL);
  return calls.map((span) => chain(span).join(' < '));
}

const path = 'test.v1.StreamService/';
const parent = 'INTERNAL test';

it('a unary call of the SDK has one span of the client and one of the server', async () => {
  const client = caller.client(StreamServiceDefinition, { service: 'stream' });
  let handlerSpan: string | undefined;
  const call = async () => {
    handlerSpan = (await client.unary({})).user?.name;
  };
  const clientSpan = `CLIENT ${path}Unary < ${parent}`;
  expect(await chainsOf(call)).toEqual([`SERVER grpc.${path}Unary < ${clientSpan}`, clientSpan]);
  const server = ended.find(({ name }) => name === `grpc.${path}Unary`);
  expect(handlerSpan).toBe(server?.spanContext().spanId);
});

it.each(['ServerStream', 'ClientStream', 'Bidi', 'Stub'])(
  'a call of a grpc-js client has one of each too, with what the SDK knows: %s',
  async (kind) => {
    const client = caller.client(StreamServiceDefinition, { service: 'stream' });
    const calls: Record<string, () => Promise<unknown>> = {
      ServerStream: () => collected(client.serverStream({})),
      ClientStream: () => client.clientStream(requests()),
      Bidi: () => collected(client.bidi(requests())),
      Stub: () => stubCall(caller.channel('stream'), `/${path}Unary`),
    };
    const name = `grpc.${path}${kind === 'Stub' ? 'Unary' : kind}`;
    const clientSpan = `CLIENT ${name} < ${parent}`;
    const chains = await chainsOf(() => calls[kind]?.() ?? Promise.reject(new Error(kind)));
    expect(chains.sort()).toEqual([clientSpan, `SERVER ${name} < ${clientSpan}`]);
    const span = ended.find((each) => each.kind === SpanKind.CLIENT);
    expect(span?.attributes).toMatchObject({ 'weft.service': 'stream' });
  },
);
