import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Order, OrderServiceDefinition, OrderStatus } from '@weft/proto/order';
import { type Payment, PaymentStatus } from '@weft/proto/payment';
import { isAbortError } from 'abort-controller-x';
import { eventually } from '../support/eventually.ts';
import {
  badFields,
  type Cleanup,
  connect,
  failureOf,
  serve,
  startOrders,
  startPayments,
  startUsers,
} from '../support/services.ts';
import { tempFolder } from '../support/temp-folder.ts';

const price = { currencyCode: 'EUR', units: 12n, nanos: 500_000_000 };
const { PAYMENT_STATUS_COMPLETED, PAYMENT_STATUS_FAILED, PAYMENT_STATUS_PROCESSING } =
  PaymentStatus;

function refused(reason: string) {
  return { code: 'FAILED_PRECONDITION', reason };
}

describe('payment.v1.PaymentService', () => {
  let cleanup: Cleanup;
  let file: string;
  let userId: string;
  let orders: Awaited<ReturnType<typeof startOrders>>['client'];

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    file = join(cleanup.use(tempFolder()).path, 'payment-service.db');
    const users = await startUsers(cleanup);
    ({ client: orders } = await startOrders(cleanup, users.client));
    const { user } = await users.client.createUser({ name: 'Ada', email: 'ada@example.com' });
    userId = user?.id ?? '';
  });
  afterEach(() => cleanup.disposeAsync());

  async function newOrder(): Promise<Order> {
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await orders.createOrder({ userId, lines });
    if (order === undefined) throw new Error('no order was answered');
    return order;
  }

  function start(processingMs = 0) {
    return startPayments(cleanup, { orders, file, processingMs });
  }

  /** A request to pay a new order, or the one given. */
  async function toPay(idempotencyKey: string, orderId?: string) {
    return { orderId: orderId ?? (await newOrder()).id, userId, amount: price, idempotencyKey };
  }

  function stored(): { payments: number; charges: number } {
    const db = new DatabaseSync(file, { readOnly: true });
    const count = (sql: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.n);
    const counts = {
      payments: count('payments'),
      charges: count('charges WHERE refund_time IS NULL'),
    };
    db.close();
    return counts;
  }

  async function orderStatus(id: string) {
    return (await orders.getOrder({ id })).order?.status;
  }

  describe('ProcessPayment', () => {
    it('charges once, marks the order PAID and answers COMPLETED', async () => {
      const { client } = await start();
      const request = await toPay('k1');
      const { payment } = await client.processPayment(request);
      expect(payment).toMatchObject({
        orderId: request.orderId,
        userId,
        amount: price,
        status: PAYMENT_STATUS_COMPLETED,
        failureReason: '',
      });
      expect(payment?.completeTime?.getTime()).toBeGreaterThanOrEqual(
        payment?.createTime?.getTime() ?? Number.POSITIVE_INFINITY,
      );
      const { order } = await orders.getOrder({ id: request.orderId });
      expect(order).toMatchObject({
        status: OrderStatus.ORDER_STATUS_PAID,
        paymentId: payment?.id,
      });
      expect((await client.getPayment({ id: payment?.id })).payment).toEqual(payment);
      expect(stored()).toEqual({ payments: 1, charges: 1 });
    });

    it('answers the same payment for the same key, and refuses the key for another body', async () => {
      const { client } = await start();
      const request = await toPay('k1');
      const first = await client.processPayment(request);
      expect(await client.processPayment(request)).toEqual(first);
      const others = [{ ...request, amount: { ...price, nanos: 1 } }, await toPay('k1')];
      for (const other of others) {
        expect(await failureOf(client.processPayment(other))).toEqual({
          code: 'ALREADY_EXISTS',
          reason: 'IDEMPOTENCY_KEY_REUSED',
        });
      }
      expect(stored()).toEqual({ payments: 1, charges: 1 });
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
      const request = { ...(await toPay('k1')), ...change };
      expect(await failureOf(client.processPayment(request))).toEqual(badFields(...fields));
      expect(stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses a message over 4 MiB and lives on', async () => {
      const { client } = await start();
      const request = await toPay('k'.repeat(5 * 1024 * 1024));
      expect(await failureOf(client.processPayment(request))).toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
      });
      expect(stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses an order that is not there, of another user, or of another amount', async () => {
      const { client } = await start();
      const fail = async (change: object) =>
        failureOf(client.processPayment({ ...(await toPay('k1')), ...change }));
      expect(await fail({ orderId: 'none' })).toEqual(refused('ORDER_NOT_FOUND'));
      expect(await fail({ userId: 'someone-else' })).toEqual(refused('ORDER_OF_ANOTHER_USER'));
      for (const change of [{ nanos: 500_000_001 }, { units: 0n }, { currencyCode: 'USD' }]) {
        const amount = { ...price, ...change };
        expect(await fail({ amount })).toEqual(refused('AMOUNT_MISMATCH'));
      }
      expect(stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses to pay an order twice, and while it is being paid', async () => {
      const { client } = await start(300);
      const request = await toPay('k1');
      const first = client.processPayment(request);
      await eventually(() => expect(stored().payments).toBe(1));
      const second = await toPay('k2', request.orderId);
      expect(await failureOf(client.processPayment(second))).toEqual(
        refused('PAYMENT_IN_PROGRESS'),
      );
      await first;
      expect(await failureOf(client.processPayment(second))).toEqual(refused('ORDER_ALREADY_PAID'));
      expect(stored()).toEqual({ payments: 1, charges: 1 });
    });

    it('is UNAVAILABLE while order-service is away, and stores nothing', async () => {
      const away = connect(cleanup, OrderServiceDefinition, await serve(cleanup));
      const { client } = await startPayments(cleanup, { orders: away, file });
      expect(await failureOf(client.processPayment(await toPay('k1')))).toEqual({
        code: 'UNAVAILABLE',
        reason: 'ORDER_SERVICE_UNAVAILABLE',
      });
      expect(stored()).toEqual({ payments: 0, charges: 0 });
    });

    it('refuses more payments at once than it can work on, and stores no more', async () => {
      const { client } = await startPayments(cleanup, {
        orders,
        file,
        processingMs: 300,
        maxActive: 1,
      });
      const first = client.processPayment(await toPay('k1'));
      await eventually(() => expect(stored().payments).toBe(1));
      const second = await toPay('k2');
      expect(await failureOf(client.processPayment(second))).toEqual({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'TOO_MANY_PAYMENTS',
      });
      await first;
      expect(stored()).toEqual({ payments: 1, charges: 1 });
      expect((await client.processPayment(second)).payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
    });

    it('takes the charge back and answers FAILED when another payment paid the order', async () => {
      const { client } = await start(300);
      const request = await toPay('k1');
      const call = client.processPayment(request);
      await eventually(() => expect(stored().payments).toBe(1));
      await orders.markOrderPaid({ ...request, paymentId: 'from-elsewhere' });
      const { payment } = await call;
      expect(payment?.status).toBe(PAYMENT_STATUS_FAILED);
      expect(payment?.failureReason).toMatch(/^ORDER_ALREADY_PAID: .*from-elsewhere/);
      expect(payment?.completeTime).toBeInstanceOf(Date);
      expect(await client.processPayment(request)).toEqual({ payment });
      expect(stored()).toEqual({ payments: 1, charges: 0 });
    });

    it('goes on when the caller cancels, and the same key finds the payment', async () => {
      const { client } = await start(300);
      const request = await toPay('k1');
      const caller = new AbortController();
      const call = client.processPayment(request, { signal: caller.signal });
      await eventually(() => expect(stored().payments).toBe(1));
      caller.abort();
      expect(isAbortError(await call.catch((error: unknown) => error))).toBe(true);
      const { payment } = await client.processPayment(request);
      expect(payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
      expect(stored()).toEqual({ payments: 1, charges: 1 });
    });
  });

  describe('ProcessPayment on two instances of one database', () => {
    it.each([0, 200])('one key 20 times at once: one payment, one charge (%i ms)', async (ms) => {
      const clients = [(await start(ms)).client, (await start(ms)).client];
      const request = await toPay('k1');
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => clients[i % 2]?.processPayment(request)),
      );
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(answers[0]?.payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
      expect(stored()).toEqual({ payments: 1, charges: 1 });
    });

    it.each([0, 200])('20 keys for one order: one of them pays (%i ms)', async (ms) => {
      const clients = [(await start(ms)).client, (await start(ms)).client];
      const { id } = await newOrder();
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const request = await toPay(`k${i}`, id);
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
      expect(stored()).toEqual({ payments: 1, charges: 1 });
    });
  });

  describe('a payment whose instance died', () => {
    type Died = 'before the charge' | 'after the charge' | 'after the order was marked paid';

    /** Leaves a payment as an instance that died there would have left it. */
    async function died(when: Died, service: Awaited<ReturnType<typeof start>>): Promise<Payment> {
      const request = await toPay('k1');
      const dead = { worker: 'dead', leaseMs: 300 };
      const outcome = service.payments.accept({ ...request, requestHash: '' }, dead);
      if (outcome.kind !== 'accepted') throw new Error(`not accepted but ${outcome.kind}`);
      const { id } = outcome.payment;
      if (when !== 'before the charge') service.payments.charge(id, 'dead');
      if (when === 'after the order was marked paid') {
        await orders.markOrderPaid({ ...request, paymentId: id });
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
        expect(await orderStatus(orderId)).toBe(OrderStatus.ORDER_STATUS_PAID);
        expect(stored()).toEqual({ payments: 1, charges: 1 });
      },
    );

    it('is FAILED without a charge when the order was paid meanwhile', async () => {
      const live = await start();
      const { id, orderId } = await died('after the charge', live);
      await orders.markOrderPaid({ orderId, paymentId: 'from-elsewhere', amount: price });
      await eventually(async () => {
        const { payment } = await live.client.getPayment({ id });
        expect(payment?.status).toBe(PAYMENT_STATUS_FAILED);
      });
      expect(stored()).toEqual({ payments: 1, charges: 0 });
    });
  });

  it('gives what is in work back when it stops, and the next start finishes it', async () => {
    const first = await start(60_000);
    const request = await toPay('k1');
    const caller = new AbortController();
    const call = first.client.processPayment(request, { signal: caller.signal });
    await eventually(() => expect(stored().payments).toBe(1));
    caller.abort();
    await call.catch(() => {});
    await first.worker.stop();
    const { client } = await start();
    const { payment } = await client.processPayment(request);
    expect(payment?.status).toBe(PAYMENT_STATUS_COMPLETED);
    expect(stored()).toEqual({ payments: 1, charges: 1 });
  });

  it('waits for order-service to come back once a payment is accepted', async () => {
    const orderFile = `${file}.orders`;
    const users = { getUser: async () => ({ user: undefined }) };
    const down = new AsyncDisposableStack();
    const before = await startOrders(down, users, { file: orderFile });
    const client = connect(cleanup, OrderServiceDefinition, before.address);
    const payments = await startPayments(cleanup, { orders: client, file, processingMs: 200 });
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await client.createOrder({ userId, lines });
    const call = payments.client.processPayment(await toPay('k1', order?.id));
    await eventually(() => expect(stored().payments).toBe(1));
    await down.disposeAsync();

    await eventually(() => expect(stored().charges).toBe(1));
    const id = await eventually(async () => {
      const db = new DatabaseSync(file, { readOnly: true });
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
    expect(stored()).toEqual({ payments: 1, charges: 1 });
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
