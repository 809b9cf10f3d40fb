import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { type Order, OrderServiceDefinition, OrderStatus } from '@weft/proto/order';
import { PaymentServiceDefinition, PaymentStatus } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import type { Cleanup } from '../support/services.ts';
import { tempFolder } from '../support/temp-folder.ts';

const root = join(import.meta.dirname, '../..');
const price = { currencyCode: 'EUR', units: 9n, nanos: 990_000_000 };

describe('payment-service in real processes of the mesh', () => {
  const cleanup: Cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(tempFolder()).path;
  let registry: string;
  let mesh: Mesh;
  let userId: string;
  /** Of one test: its payment instances and their database. */
  let perTest: Cleanup;
  let file: string;

  beforeAll(async () => {
    const server = await createTestRegistry();
    cleanup.defer(() => server.close());
    registry = server.address;
    mesh = createMesh({ registry });
    cleanup.defer(() => mesh.close());
    await Promise.all([
      start(cleanup, 'user', { WEFT_DATA_DIR: folder }),
      start(cleanup, 'order', { WEFT_DATA_DIR: folder }),
    ]);
    const users = mesh.client(UserServiceDefinition);
    const { user } = await users.createUser({ name: 'Ada', email: 'ada@example.com' });
    userId = user?.id ?? '';
  });
  afterAll(() => cleanup.disposeAsync());

  beforeEach(() => {
    perTest = new AsyncDisposableStack();
    file = join(perTest.use(tempFolder()).path, 'payment-service.db');
  });
  afterEach(() => perTest.disposeAsync());

  /** Starts an instance; answers once clients can find it. */
  async function start(
    owner: Cleanup,
    service: string,
    env: Record<string, string>,
  ): Promise<ChildProcess> {
    const main = join(root, 'services', service, 'src/main.ts');
    const id = randomUUID();
    const child = spawn(process.execPath, ['--conditions=weft-source', main], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        WEFT_REGISTRY: registry,
        WEFT_PORT: '0',
        WEFT_INSTANCE_ID: id,
        ...env,
      },
    });
    owner.defer(() => stop(child, 'SIGTERM'));
    await eventually(
      async () => {
        const { instances } = await mesh.discover(`${service}-service`);
        expect(instances.map((instance) => instance.id)).toContain(id);
      },
      { withinMs: 20_000 },
    );
    return child;
  }

  function startPayment(processingMs: number): Promise<ChildProcess> {
    return start(perTest, 'payment', {
      WEFT_DATA_DIR: dirname(file),
      PAYMENT_PROCESSING_MS: String(processingMs),
    });
  }

  async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async function newOrders(count: number): Promise<Order[]> {
    const orders = mesh.client(OrderServiceDefinition);
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    return Promise.all(
      Array.from({ length: count }, async () => {
        const { order } = await orders.createOrder({ userId, lines });
        if (order === undefined) throw new Error('no order was answered');
        return order;
      }),
    );
  }

  /** Pays an order, sending the same request again for as long as there is no answer. */
  function pay({ id: orderId, total: amount }: Order) {
    const payments = mesh.client(PaymentServiceDefinition);
    const request = { orderId, userId, amount, idempotencyKey: `key of ${orderId}` };
    const send = () => payments.processPayment(request, { timeoutMs: 10_000 });
    return eventually(send, { withinMs: 20_000, everyMs: 200 });
  }

  function rows(sql: string) {
    const db = new DatabaseSync(file, { readOnly: true });
    const all = db.prepare(sql).all();
    db.close();
    return all;
  }

  /** Every PAID order among these has one COMPLETED payment, charged once, and the other way round. */
  async function expectBooksToBalance(orders: Order[]): Promise<void> {
    const completed = rows(
      `SELECT order_id, payments.id FROM payments JOIN charges ON payment_id = payments.id
       WHERE status = 'COMPLETED' AND refund_time IS NULL`,
    ).map((row) => [row.order_id, row.id] as const);
    const client = mesh.client(OrderServiceDefinition);
    const now = await Promise.all(
      orders.map(async ({ id }) => (await client.getOrder({ id })).order),
    );
    const paid = now.filter((order) => order?.status === OrderStatus.ORDER_STATUS_PAID);
    expect(new Map(paid.map((order) => [order?.id, order?.paymentId]))).toEqual(new Map(completed));
    expect(rows('SELECT 1 FROM charges WHERE refund_time IS NULL').length).toBe(completed.length);
  }

  it('opens one fresh database from two instances at once; one key 20 times is one charge', async () => {
    await Promise.all([startPayment(200), startPayment(200)]);
    const [order] = await newOrders(1);
    const answers = await Promise.all(Array.from({ length: 20 }, () => pay(order as Order)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]?.payment?.status).toBe(PaymentStatus.PAYMENT_STATUS_COMPLETED);
    expect(rows('SELECT * FROM charges').length).toBe(1);
    await expectBooksToBalance([order as Order]);
  });

  it('finishes all of 50 payments when one of two instances is killed in their midst', async () => {
    const [victim] = await Promise.all([startPayment(500), startPayment(500)]);
    const orders = await newOrders(50);
    const answers = Promise.all(orders.map(pay));
    await eventually(() => expect(rows('SELECT 1 FROM payments').length).toBeGreaterThan(30));
    await stop(victim, 'SIGKILL');
    for (const { payment } of await answers) {
      expect(payment?.status).toBe(PaymentStatus.PAYMENT_STATUS_COMPLETED);
    }
    expect(rows('SELECT 1 FROM payments').length).toBe(50);
    await expectBooksToBalance(orders);
  });

  it('finishes what was in work when its only instance is killed and started again', async () => {
    const only = await startPayment(500);
    const orders = await newOrders(50);
    const payments = mesh.client(PaymentServiceDefinition);
    const calls = orders.map(({ id: orderId, total: amount }) =>
      payments
        .processPayment({ orderId, userId, amount, idempotencyKey: orderId })
        .catch(() => 'cut off'),
    );
    await eventually(() => expect(rows('SELECT 1 FROM payments').length).toBeGreaterThan(30));
    await stop(only, 'SIGKILL');
    expect(await Promise.all(calls)).toContain('cut off');

    await startPayment(0);
    await eventually(
      () => expect(rows(`SELECT 1 FROM payments WHERE status = 'PROCESSING'`)).toEqual([]),
      { withinMs: 20_000 },
    );
    expect(rows('SELECT 1 FROM payments').length).toBeGreaterThan(30);
    await expectBooksToBalance(orders);
  });
});
