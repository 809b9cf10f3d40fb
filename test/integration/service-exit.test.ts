import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type ServiceProcess, ServiceStage } from '../support/service-process.ts';
import { createSilentServer } from '../support/silent-server.ts';

let stage: ServiceStage;
beforeAll(async () => {
  stage = await ServiceStage.open();
});
afterAll(() => stage.close());

/** @returns the exit code, and how long the process took to exit after SIGTERM, in ms */
async function terminate({
  child,
  exited,
}: ServiceProcess): Promise<{ code: number | null; tookMs: number }> {
  const askedAt = performance.now();
  child.kill('SIGTERM');
  const code = await exited;
  return { code, tookMs: performance.now() - askedAt };
}

/** What a collector of traces may be like, by the variables that lead a service to it. */
async function collectors(
  cleanup: AsyncDisposableStack,
): Promise<Record<string, NodeJS.ProcessEnv>> {
  const silent = await createSilentServer();
  cleanup.defer(() => silent.close());
  const failing = createServer((_, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => failing.listen(0, '127.0.0.1', resolve));
  cleanup.defer(async () => {
    failing.closeAllConnections();
    await new Promise((resolve) => failing.close(resolve));
  });
  const { port } = failing.address() as { port: number };
  const at = (address: string, protocol: string) => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  });
  return {
    untraced: {},
    silent: at(silent.address, 'http/protobuf'),
    'silent-grpc': at(silent.address, 'grpc'),
    refusing: at('127.0.0.1:1', 'http/protobuf'),
    failing: at(`127.0.0.1:${port}`, 'http/json'),
  };
}

describe('a service that stops', () => {
  it('exits with 0, and 2 s later at most if the collector of its traces does not answer', async () => {
    await using cleanup = new AsyncDisposableStack();
    const started = Object.entries(await collectors(cleanup)).map(([name, environment]) => {
      const service = stage.start('user', name, { WEFT_INSTANCE_ID: name, ...environment });
      return [name, service] as const;
    });
    await stage.listed(['user'], started.length);
    const users = stage.mesh.client(UserServiceDefinition);
    // Each instance has spans to deliver.
    for (let call = 0; call < 4 * started.length; call += 1) await users.listUsers({});
    const exits = await Promise.all(
      started.map(async ([name, service]) => ({ name, ...(await terminate(service)) })),
    );
    const [untraced] = exits;
    for (const { name, code, tookMs } of exits) {
      const laterMs = tookMs - (untraced?.tookMs ?? 0);
      expect({ name, code, laterMs }).toEqual({ name, code: 0, laterMs: expect.any(Number) });
      expect([name, laterMs < 2000 || laterMs]).toEqual([name, true]);
    }
  }, 60_000);

  it('sends its last spans before it exits', async () => {
    const receiver = await startOtlpReceiver();
    const names = ['user', 'order', 'payment'];
    const started = names.map((name) =>
      stage.start(name, `traced-${name}`, {
        WEFT_INSTANCE_ID: `traced-${name}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        // They would be sent long after the end of the test.
        OTEL_BSP_SCHEDULE_DELAY: '60000',
      }),
    );
    try {
      await stage.listed(names, 1);
      const calls = await Promise.allSettled([
        stage.mesh.client(UserServiceDefinition).getUser({ id: 'nobody' }),
        stage.mesh.client(OrderServiceDefinition).getOrder({ id: 'none' }),
        stage.mesh.client(PaymentServiceDefinition).getPayment({ id: 'none' }),
      ]);
      expect(calls.map(({ status }) => status)).toEqual(names.map(() => 'rejected'));
      expect(receiver.spans).toEqual([]);
      await Promise.all(started.map(terminate));
      expect(receiver.spans.map(({ name }) => name).sort()).toEqual([
        'order.v1.OrderService/GetOrder',
        'payment.v1.PaymentService/GetPayment',
        'user.v1.UserService/GetUser',
      ]);
    } finally {
      await receiver.close();
    }
  });
});
