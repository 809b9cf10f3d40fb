import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { OrderServiceDefinition, OrderStatus } from '@weft/proto/order';
import { PaymentServiceDefinition, PaymentStatus } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';
import { createChannel, createClient } from 'nice-grpc';
import { eventually } from '../support/eventually.ts';
import { type ShopMesh, startShopMesh } from '../support/shop-mesh.ts';
import { describeWith } from '../support/tools.ts';

const amount = { currencyCode: 'EUR', units: 12n, nanos: 500_000_000 };

interface StoredPayment {
  id: string;
  order_id: string;
  status: string;
  /** Charges not taken back. */
  charges: number;
}

describeWith(['etcd', 'etcdctl'], 'payments on a mesh of real processes', () => {
  let shop: ShopMesh;
  let mesh: Mesh;
  let userId: string;

  beforeAll(async () => {
    shop = await startShopMesh({ paymentProcessingMs: 1000 });
    mesh = createMesh({ registry: shop.registry, defaultDeadlineMs: 20_000 });
    const { user } = await mesh
      .client(UserServiceDefinition)
      .createUser({ name: 'Ada', email: 'ada@example.com' });
    userId = user?.id ?? '';
  }, 60_000);

  afterAll(async () => {
    mesh?.close();
    await shop?.close();
  }, 60_000);

  async function newOrder(): Promise<string> {
    const { order } = await mesh.client(OrderServiceDefinition).createOrder({
      userId,
      lines: [{ productId: 'book', quantity: 1, unitPrice: amount }],
    });
    return order?.id ?? '';
  }

  async function orderOf(id: string) {
    const { order } = await mesh.client(OrderServiceDefinition).getOrder({ id });
    return order;
  }

  /** What payment-service wrote to its own database. */
  function storedPayments(): StoredPayment[] {
    const folder = join(shop.folder, '.weft', 'data', 'payment-service');
    const db = new DatabaseSync(join(folder, 'payment-service.db'), { readOnly: true });
    try {
      const rows = db.prepare(
        `SELECT id, order_id, status, (SELECT count(*) FROM charges
           WHERE payment_id = payments.id AND refund_time IS NULL) AS charges FROM payments`,
      );
      return rows.all() as unknown as StoredPayment[];
    } finally {
      db.close();
    }
  }

  it('charges once for 20 requests with one key, sent at once to two instances', async () => {
    const orderId = await newOrder();
    const instances = await shop.stored('payment-service');
    expect(instances).toHaveLength(2);
    const channels = instances.map(({ address }) => createChannel(address));
    try {
      const clients = channels.map((channel) => createClient(PaymentServiceDefinition, channel));
      const request = { orderId, userId, amount, idempotencyKey: 'twenty-at-once' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => clients[index % 2]?.processPayment(request)),
      );
      const payments = answers.map((answer) => answer?.payment);
      expect(new Set(payments.map((payment) => payment?.id)).size).toBe(1);
      for (const payment of payments) {
        expect(payment?.status).toBe(PaymentStatus.PAYMENT_STATUS_COMPLETED);
      }
      expect(storedPayments()).toEqual([
        { id: payments[0]?.id, order_id: orderId, status: 'COMPLETED', charges: 1 },
      ]);
      expect(await orderOf(orderId)).toMatchObject({
        status: OrderStatus.ORDER_STATUS_PAID,
        paymentId: payments[0]?.id,
      });
    } finally {
      for (const channel of channels) channel.close();
    }
  }, 30_000);

  it('finishes 50 payments after both instances are killed in the middle', async () => {
    const orderIds = await Promise.all(Array.from({ length: 50 }, newOrder));
    const victims = await shop.processes('payment-service');
    expect(victims).toHaveLength(2);
    const payments = mesh.client(PaymentServiceDefinition);
    // Two waves, so that the kill meets payments at every step, and some not yet sent.
    const calls = orderIds.map(async (orderId, index) => {
      await sleep(index < 25 ? 0 : 800);
      return payments.processPayment({ orderId, userId, amount, idempotencyKey: `fifty-${index}` });
    });
    const settled = Promise.allSettled(calls);
    await sleep(1050);
    for (const { pid } of victims) process.kill(pid, 'SIGKILL');
    const interrupted = storedPayments().filter(({ status }) => status === 'PROCESSING');
    expect(interrupted.length).toBeGreaterThan(0);
    await settled;

    const ours = () => storedPayments().filter(({ order_id }) => orderIds.includes(order_id));
    await eventually(
      () => {
        for (const { status } of ours()) expect(status).toMatch(/^(COMPLETED|FAILED)$/);
      },
      { withinMs: 30_000, everyMs: 200 },
    );
    const final = ours();
    for (const { id } of interrupted) expect(final.map((payment) => payment.id)).toContain(id);
    for (const { status, charges } of final) expect(charges).toBe(status === 'COMPLETED' ? 1 : 0);
    for (const orderId of orderIds) {
      const order = await orderOf(orderId);
      const completed = final.filter(
        ({ order_id, status }) => order_id === orderId && status === 'COMPLETED',
      );
      const isPaid = order?.status === OrderStatus.ORDER_STATUS_PAID;
      expect({ orderId, completed: completed.map(({ id }) => id) }).toEqual({
        orderId,
        completed: isPaid ? [order.paymentId] : [],
      });
    }
    const restarted = await shop.processes('payment-service');
    expect(restarted.map(({ restarts }) => restarts)).toEqual([1, 1]);
  }, 90_000);
});
