import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { context, propagation, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { createMesh, type Mesh, Status } from '@weft/client-sdk';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { createLog } from '../../services/shared/src/log.ts';
import { isTracingWanted } from '../../services/shared/src/tracing.ts';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { createTestRegistry } from '../support/registry.ts';
import { price } from '../support/shop.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { usersOf } from '../support/test-mesh.ts';

const root = join(import.meta.dirname, '..', '..');
const cleanup = new AsyncDisposableStack();
let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
let registry: Registry;
let mesh: Mesh;
const tracer = trace.getTracer('test');

/** Starts a service of the shop as a process that is traced. Answers what stops it. */
function startService(name: string): () => Promise<void> {
  const main = join(root, 'services', name, 'src', 'main.ts');
  const child = spawn(process.execPath, ['--conditions=weft-source', '--no-warnings', main], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      WEFT_REGISTRY: registry.address,
      WEFT_DATA_DIR: join(folder.path, name),
      PAYMENT_PROCESSING_MS: '0',
    },
  });
  return async () => {
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  };
}

const folder = cleanup.use(tempFolder());
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  registry = await createTestRegistry();
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  for (const name of ['user', 'order', 'payment']) stops.push(startService(name));
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [ownSpans()] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  mesh = createMesh({ registry: registry.address });
  const services = ['user-service', 'order-service', 'payment-service'];
  await eventually(
    async () => {
      for (const service of services) {
        expect((await mesh.discover(service)).instances).toHaveLength(1);
      }
    },
    { withinMs: 20_000 },
  );
}, 30_000);

afterAll(async () => {
  await Promise.all(stops.map((stop) => stop()));
  mesh.close();
  await registry.close();
  await receiver.close();
  await cleanup.disposeAsync();
});

/** Takes the spans of this process as if they had been sent. */
function ownSpans(): SpanProcessor {
  return {
    forceFlush: async () => {},
    shutdown: async () => {},
    onStart: () => {},
    onEnd: (span) => {
      const { traceId, spanId } = span.spanContext();
      receiver.spans.push({
        service: 'shopper',
        traceId,
        spanId,
        parentSpanId: span.parentSpanContext?.spanId ?? '',
        name: span.name,
        kind: 1 + span.kind,
        attributes: span.attributes,
        events: span.events.map(({ name, attributes = {} }) => ({ name, attributes })),
        statusCode: span.status.code,
      });
    },
  };
}

/** Runs `work` in a span of its own, and answers the trace's id with what it answered. */
async function traced<T>(name: string, work: () => Promise<T>) {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return { traceId: span.spanContext().traceId, result: await work() };
    } finally {
      span.end();
    }
  });
}

function purchase() {
  const users = mesh.client(UserServiceDefinition);
  const orders = mesh.client(OrderServiceDefinition);
  const payments = mesh.client(PaymentServiceDefinition);
  return async () => {
    const { user } = await users.createUser({ name: 'Ada', email: 'ada@example.com' });
    const userId = user?.id ?? '';
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await orders.createOrder({ userId, lines });
    const orderId = order?.id ?? '';
    const pay = { userId, orderId, amount: price, idempotencyKey: 'once' };
    return (await payments.processPayment(pay)).payment;
  };
}

describe('a purchase', () => {
  it('is one trace over payment, order and user, each span below its caller', async () => {
    const { traceId } = await traced('purchase', purchase());
    const spans = () => receiver.spans.filter((span) => span.traceId === traceId);
    const servers = (service: string) =>
      spans().filter((span) => span.service === service && span.kind === 1 + SpanKind.SERVER);
    const parentOf = ({ parentSpanId }: ReceivedSpan) =>
      spans().find(({ spanId }) => spanId === parentSpanId);
    await eventually(() => {
      expect(servers('payment-service')).toHaveLength(1);
      expect(servers('order-service')).toHaveLength(3);
      expect(servers('user-service')).toHaveLength(2);
      expect(spans().filter(({ name }) => name === 'purchase')).toHaveLength(1);
    });
    const chain = (span: ReceivedSpan | undefined): string[] =>
      span === undefined ? [] : [`${span.service} ${span.name}`, ...chain(parentOf(span))];
    const chains = ['payment-service', 'order-service', 'user-service']
      .flatMap(servers)
      .map((span) => chain(span).join(' < '));
    const shopper = (name: string) => `${name} < shopper purchase`;
    const [USER, ORDER, PAYMENT] = [
      'user.v1.UserService',
      'order.v1.OrderService',
      'payment.v1.PaymentService',
    ];
    const paying = `payment-service ${PAYMENT}/ProcessPayment < shopper ${PAYMENT}/ProcessPayment`;
    const ordering = `order-service ${ORDER}/CreateOrder < shopper ${ORDER}/CreateOrder`;
    expect(chains.sort()).toEqual(
      [
        shopper(paying),
        shopper(`order-service ${ORDER}/GetOrder < payment-service ${ORDER}/GetOrder < ${paying}`),
        shopper(
          `order-service ${ORDER}/MarkOrderPaid < payment-service ${ORDER}/MarkOrderPaid < ${paying}`,
        ),
        shopper(ordering),
        shopper(`user-service ${USER}/GetUser < order-service ${USER}/GetUser < ${ordering}`),
        shopper(`user-service ${USER}/CreateUser < shopper ${USER}/CreateUser`),
      ].sort(),
    );
  });

  it('has the attributes of the semantic conventions, and who answered', async () => {
    const isPaying = ({ name, kind }: ReceivedSpan) =>
      name.endsWith('/ProcessPayment') && kind === 1 + SpanKind.CLIENT;
    const span = receiver.spans.find(isPaying);
    expect(span?.attributes).toMatchObject({
      'rpc.system': 'grpc',
      'rpc.service': 'payment.v1.PaymentService',
      'rpc.method': 'ProcessPayment',
      'server.address': '127.0.0.1',
      'weft.service': 'payment-service',
    });
    expect(span?.attributes['rpc.grpc.status_code']).toBe(0);
    expect(span?.attributes['server.port']).toBeGreaterThan(0);
    // What is asked of every server is no part of any trace.
    expect(receiver.spans.filter(({ name }) => name.startsWith('grpc.'))).toEqual([]);
  });
});

describe('a call that fares badly', () => {
  async function spanOf(call: () => Promise<unknown>): Promise<ReceivedSpan> {
    const { traceId } = await traced('bad', () => call().catch(() => {}));
    return eventually(() => {
      const found = receiver.spans.find(
        (span) => span.traceId === traceId && span.kind === 1 + SpanKind.CLIENT,
      );
      if (found === undefined) throw new Error('no span yet');
      return found;
    });
  }

  it('has an event for each attempt when it is made again', async () => {
    await using own = new AsyncDisposableStack();
    const world = createMesh({ registry: registry.address });
    own.defer(() => world.close());
    const [bad, good] = await Promise.all([serveEcho(world, 'bad'), serveEcho(world, 'good')]);
    own.defer(async () => void (await Promise.all([bad.host.close(), good.host.close()])));
    bad.behaviour.failWith = Status.UNAVAILABLE;
    await Promise.all([bad.host.registered(), good.host.registered()]);
    const users = usersOf(world, 'echo');
    await eventually(async () => {
      const span = await spanOf(() => users.getUser({ id: 'x' }));
      expect(span.events).toMatchObject([
        { name: 'weft.attempt', attributes: { 'weft.instance.id': 'bad' } },
        { name: 'weft.attempt', attributes: { 'weft.instance.id': 'good' } },
      ]);
      expect(span.events[0]?.attributes['rpc.grpc.status']).toBe('UNAVAILABLE');
      expect(span.statusCode).toBe(0);
    });
    good.behaviour.failWith = Status.INTERNAL;
    const rejected = await eventually(async () => {
      const span = await spanOf(() => users.getUser({ id: 'x' }));
      expect(span.events.map(({ name }) => name)).toEqual(['weft.rejected']);
      return span;
    });
    expect(rejected.events[0]?.attributes['weft.reason']).toMatch(/breaker of \w+ is open/);
    expect(rejected.statusCode).toBe(2);
    expect(rejected.attributes['error.type']).toBe('UNAVAILABLE');
  });
});

describe('a log line', () => {
  it('carries the ids of the trace it belongs to, and none outside of one', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = createLog('shop', { write: (line: string) => lines.push(JSON.parse(line)) });
    log.info('outside');
    const { traceId } = await traced('logging', async () => log.info('inside'));
    expect(lines).toMatchObject([{ msg: 'outside' }, { msg: 'inside', traceId }]);
    expect(lines[0]).not.toHaveProperty('traceId');
    expect(context.active()).toBe(ROOT_CONTEXT);
  });
});

describe('tracing', () => {
  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces' }, true],
    [{ OTEL_TRACES_EXPORTER: 'console' }, true],
    [{ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, false],
    [{ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, false],
  ])('is wanted as the standard variables say: %j', (env, isWanted) => {
    expect(isTracingWanted(env)).toBe(isWanted);
  });
});
