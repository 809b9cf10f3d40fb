import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OrderServiceDefinition } from '@weft/proto/order';
import { type Payment, PaymentStatus } from '@weft/proto/payment';
import { eventually } from '../support/eventually.ts';
import {
  type Cleanup,
  connect,
  failureOf,
  startOrders,
  startPayments,
} from '../support/services.ts';
import { price, Shop } from '../support/shop.ts';

const { PAYMENT_STATUS_COMPLETED, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_PROCESSING } =
  PaymentStatus;

describe('payment.v1.PaymentService with company, and after accidents', () => {
  let cleanup: Cleanup;
  let shop: Shop;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    shop = await Shop.open(cleanup);
  });
  afterEach(() => cleanup.disposeAsync());

  function start(processingMs = 0) {
    const { orders, file } = shop;
    return startPayments(cleanup, { orders, file, processingMs });
  }

  describe('ProcessPayment on two instances of one database', () => {
    it.each([0, 200])('one key 20 times at once: one payment, one charge (%i ms)', async (ms) => {
      const clients = [(await start(ms)).client, (await start(ms)).client];
      const request = await shop.toPay('k1');
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => clients[i % 2]?.processPayment(request)),
      );
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]?.payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });

    it('finds its payment when that pays the order just while the order is read', async () => {
      const quick = await start();
      const reading = Promise.withResolvers<void>();
      const paid = Promise.withResolvers<void>();
      const { file, orders } = shop;
      const slow = await startPayments(cleanup, {
        file,
        orders: {
          markOrderPaid: (request, options) => orders.markOrderPaid(request, options),
          getOrder: async (request, options) => {
            reading.resolve();
            await paid.promise;
            return orders.getOrder(request, options);
          },
        },
      });
      const request = await shop.toPay('k1');
      const answer = slow.client.processPayment(request);
      await reading.promise;
      const first = await quick.client.processPayment(request);
      paid.resolve();
      expect(await answer).toEqual(first);
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });

    it.each([0, 200])('20 keys for one order: one of them pays (%i ms)', async (ms) => {
      const clients = [(await start(ms)).client, (await start(ms)).client];
      const { id } = await shop.newOrder();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const request = await shop.toPay(`k${i}`, id);
          return clients[i % 2]?.processPayment(request).then(
            () => 'PAID',
            async (error: Error) => (await failureOf(Promise.reject(error))).reason,
          );
        }),
      );
      expect(outcomes.filter((outcome) => outcome === 'PAID').length).toBe(1);
      for (const outcome of outcomes) {
        expect(['PAID', 'PAYMENT_IN_PROGRESS', 'ORDER_ALREADY_PAID']).toContain(outcome);
      }
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });
  });

  describe('a payment whose instance died', () => {
    type Died = 'before the charge' | 'after the charge' | 'after the order was marked paid';

    /** Leaves a payment as an instance that died there would have left it. */
    async function died(when: Died, service: Awaited<ReturnType<typeof start>>): Promise<Payment> {
      const request = await shop.toPay('k1');
      const dead = { worker: 'dead', leaseMs: 300 };
      const outcome = await service.payments.accept({ ...request, requestHash: '' }, dead);
      if (outcome.kind !== 'accepted') throw new Error(`not accepted but ${outcome.kind}`);
      const { id } = outcome.payment;
      if (when !== 'before the charge') await service.payments.charge(id, 'dead');
      if (when === 'after the order was marked paid') {
        await shop.orders.markOrderPaid({ ...request, paymentId: id });
      }
      return outcome.payment;
    }

    it.each<Died>(['before the charge', 'after the charge', 'after the order was marked paid'])(
      'that is %s, is COMPLETED by another with one charge',
      async (when) => {
        const live = await start();
        const { id, orderId } = await died(when, live);
        await eventually(async () => {
          const { payment } = await live.client.getPayment({ id });
          expect(payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
        });
        expect(await shop.isPaid(orderId)).toBe(true);
        expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
      },
    );

    it('is FAILED without a charge when the order was paid meanwhile', async () => {
      const live = await start();
      const { id, orderId } = await died('after the charge', live);
      await shop.orders.markOrderPaid({ orderId, paymentId: 'from-elsewhere', amount: price });
      await eventually(async () => {
        const { payment } = await live.client.getPayment({ id });
        expect(payment?.status).toBe(PAYMENT_STATUS_FAILED);
      });
      expect(shop.stored()).toEqual({ payments: 1, charges: 0 });
    });
  });

  it('gives what is in work back when it stops, and the next start finishes it', async () => {
    const first = await start(60_000);
    const request = await shop.toPay('k1');
    const caller = new AbortController();
    const call = first.client.processPayment(request, { signal: caller.signal });
    await eventually(() => expect(shop.stored().payments).toBe(1));
    caller.abort();
    await call.catch(() => {});
    await first.worker.stop();
    const { client } = await start();
    const { payment } = await client.processPayment(request);
    expect(payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
    expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
  });

  it('waits for order-service to come back once a payment is accepted', async () => {
    const orderFile = `${shop.file}.orders`;
    const users = { getUser: async () => ({ user: undefined }) };
    const down = new AsyncDisposableStack();
    const before = await startOrders(down, users, { file: orderFile });
    const client = connect(cleanup, OrderServiceDefinition, before.address);
    const payments = await startPayments(cleanup, {
      orders: client,
      file: shop.file,
      processingMs: 200,
    });
    const order = await shop.newOrder(client);
    const call = payments.client.processPayment(await shop.toPay('k1', order.id));
    await eventually(() => expect(shop.stored().payments).toBe(1));
    await down.disposeAsync();

    await eventually(() => expect(shop.stored().charges).toBe(1));
    const id = await eventually(async () => {
      const db = new DatabaseSync(shop.file, { readOnly: true });
      const row = db.prepare('SELECT id, status FROM payments').get();
      db.close();
      expect(row?.status).toBe('PROCESSING');
      return row?.id as string;
    });
    const { payment } = await payments.client.getPayment({ id });
    expect(payment?.status).toBe(PAYMENT_STATUS_PROCESSING);

    const port = Number(before.address.split(':')[1]);
    await startOrders(cleanup, users, { file: orderFile, port });
    expect((await call).payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
    expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
  });
});
