import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OrderServiceDefinition, OrderStatus } from '@weft/proto/order';
import { PaymentStatus } from '@weft/proto/payment';
import { isAbortError } from 'abort-controller-x';
import { eventually } from '../support/eventually.ts';
import {
  badFields,
  type Cleanup,
  connect,
  failureOf,
  serve,
  startPayments,
} from '../support/services.ts';
import { price, Shop } from '../support/shop.ts';

const { PAYMENT_STATUS_COMPLETED, PAYMENT_STATUS_FAILED } = PaymentStatus;

function refused(reason: string) {
  return { code: 'FAILED_PRECONDITION', reason };
}

describe('payment.v1.PaymentService', () => {
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

  describe('ProcessPayment', () => {
    it('charges once, marks the order PAID and answers COMPLETED', async () => {
      const { client } = await start();
      const request = await shop.toPay('k1');
      const { payment } = await client.processPayment(request);
      expect(payment).toMatchObject({
        orderId: request.orderId,
        userId: shop.userId,
        amount: price,
        status: PAYMENT_STATUS_COMPLETED,
        failureReason: '',
      });
      expect(payment?.completeTime?.getTime()).toBeGreaterThanOrEqual(
        payment?.createTime?.getTime() ?? Number.POSITIVE_INFINITY,
      );
      const { order } = await shop.orders.getOrder({ id: request.orderId });
      expect(order).toMatchObject({
        status: OrderStatus.ORDER_STATUS_PAID,
        paymentId: payment?.id,
      });
      expect((await client.getPayment({ id: payment?.id })).payment).toEqual(payment);
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });

    it('answers the same payment for the same key, and refuses the key for another body', async () => {
      const { client } = await start();
      const request = await shop.toPay('k1');
      const first = await client.processPayment(request);
      expect(await client.processPayment(request)).toEqual(first);
      const others = [{ ...request, amount: { ...price, nanos: 1 } }, await shop.toPay('k1')];
      for (const other of others) {
        expect(await failureOf(client.processPayment(other))).toEqual({
          code: 'ALREADY_EXISTS',
          reason: 'IDEMPOTENCY_KEY_REUSED',
        });
      }
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });

    it.each<[string, object, string[]]>([
      ['no key', { idempotencyKey: '' }, ['idempotency_key']],
      ['a blank key', { idempotencyKey: '  ' }, ['idempotency_key']],
      ['a key of 129 characters', { idempotencyKey: 'k'.repeat(129) }, ['idempotency_key']],
      ['no order', { orderId: '' }, ['order_id']],
      ['an endless order id', { orderId: 'x'.repeat(100_000) }, ['order_id']],
      ['no user', { userId: '' }, ['user_id']],
      ['no amount', { amount: undefined }, ['amount']],
      ['no currency', { amount: { ...price, currencyCode: '' } }, ['amount.currency_code']],
      ['a bad currency', { amount: { ...price, currencyCode: 'EURO' } }, ['amount.currency_code']],
      ['negative units', { amount: { ...price, units: -12n } }, ['amount.units']],
      ['negative nanos', { amount: { ...price, nanos: -1 } }, ['amount.nanos']],
      ['10^9 nanos', { amount: { ...price, nanos: 1_000_000_000 } }, ['amount.nanos']],
    ])('refuses %s and stores nothing', async (_, change, fields) => {
      const { client } = await start();
      const request = { ...(await shop.toPay('k1')), ...change };
      expect(await failureOf(client.processPayment(request))).toEqual(badFields(...fields));
      expect(shop.stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses a message over 4 MiB and lives on', async () => {
      const { client } = await start();
      const request = await shop.toPay('k'.repeat(5 * 1024 * 1024));
      expect(await failureOf(client.processPayment(request))).toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
      });
      expect(shop.stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses an order that is not there, of another user, or of another amount', async () => {
      const { client } = await start();
      const fail = async (change: object) =>
        failureOf(client.processPayment({ ...(await shop.toPay('k1')), ...change }));
      expect(await fail({ orderId: 'none' })).toEqual(refused('ORDER_NOT_FOUND'));
      expect(await fail({ userId: 'someone-else' })).toEqual(refused('ORDER_OF_ANOTHER_USER'));
      for (const change of [{ nanos: 500_000_001 }, { units: 0n }, { currencyCode: 'USD' }]) {
        const amount = { ...price, ...change };
        expect(await fail({ amount })).toEqual(refused('AMOUNT_MISMATCH'));
      }
      expect(shop.stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses to pay an order twice, and while it is being paid', async () => {
      const { client } = await start(300);
      const request = await shop.toPay('k1');
      const first = client.processPayment(request);
      await eventually(() => expect(shop.stored().payments).toBe(1));
      const second = await shop.toPay('k2', request.orderId);
      expect(await failureOf(client.processPayment(second))).toEqual(
        refused('PAYMENT_IN_PROGRESS'),
      );
      await first;
      expect(await failureOf(client.processPayment(second))).toEqual(refused('ORDER_ALREADY_PAID'));
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });

    it('is UNAVAILABLE while order-service is away, and stores nothing', async () => {
      const away = connect(cleanup, OrderServiceDefinition, await serve(cleanup));
      const { client } = await startPayments(cleanup, { orders: away, file: shop.file });
      expect(await failureOf(client.processPayment(await shop.toPay('k1')))).toEqual({
        code: 'UNAVAILABLE',
        reason: 'ORDER_SERVICE_UNAVAILABLE',
      });
      expect(shop.stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses more payments at once than it can work on, and stores no more', async () => {
      const { client } = await startPayments(cleanup, {
        orders: shop.orders,
        file: shop.file,
        processingMs: 300,
        maxActive: 1,
      });
      const first = client.processPayment(await shop.toPay('k1'));
      await eventually(() => expect(shop.stored().payments).toBe(1));
      const second = await shop.toPay('k2');
      expect(await failureOf(client.processPayment(second))).toEqual({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'TOO_MANY_PAYMENTS',
      });
      await first;
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
      expect((await client.processPayment(second)).payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
    });

    it('refuses more payments than it can work on while they wait for the database', async () => {
      const { client } = await startPayments(cleanup, {
        orders: shop.orders,
        file: shop.file,
        processingMs: 300,
        maxActive: 2,
      });
      const keys = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'];
      const requests = await Promise.all(keys.map((key) => shop.toPay(key)));
      const other = new DatabaseSync(shop.file);
      other.exec('BEGIN IMMEDIATE');
      const calls = Promise.allSettled(requests.map((request) => client.processPayment(request)));
      await setTimeout(200);
      other.exec('COMMIT');
      other.close();
      const refused = (await calls).filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(4);
      expect(shop.stored()).toEqual({ payments: 2, charges: 2 });
    });

    it('takes the charge back and answers FAILED when another payment paid the order', async () => {
      const { client } = await start(300);
      const request = await shop.toPay('k1');
      const call = client.processPayment(request);
      await eventually(() => expect(shop.stored().payments).toBe(1));
      await shop.orders.markOrderPaid({ ...request, paymentId: 'from-elsewhere' });
      const { payment } = await call;
      expect(payment?.status).toBe(PAYMENT_STATUS_FAILED);
      expect(payment?.failureReason).toMatch(/^ORDER_ALREADY_PAID: .*from-elsewhere/);
      expect(payment?.completeTime).toBeInstanceOf(Date);
      expect(await client.processPayment(request)).toEqual({ payment });
      expect(shop.stored()).toEqual({ payments: 1, charges: 0 });
    });

    it('goes on when the caller cancels, and the same key finds the payment', async () => {
      const { client } = await start(300);
      const request = await shop.toPay('k1');
      const caller = new AbortController();
      const call = client.processPayment(request, { signal: caller.signal });
      await eventually(() => expect(shop.stored().payments).toBe(1));
      caller.abort();
      expect(isAbortError(await call.catch((error: unknown) => error))).toBe(true);
      const { payment } = await client.processPayment(request);
      expect(payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
      expect(shop.stored()).toEqual({ payments: 1, charges: 1 });
    });
  });

  describe('GetPayment', () => {
    it('tells an unknown id from one that can be none', async () => {
      const { client } = await start();
      expect(await failureOf(client.getPayment({ id: 'none' }))).toEqual({
        code: 'NOT_FOUND',
        reason: 'PAYMENT_NOT_FOUND',
      });
      expect(await failureOf(client.getPayment({}))).toEqual(badFields('id'));
    });
  });
});
