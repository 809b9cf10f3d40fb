import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pageToken } from '@weft/proto';
import type { Money } from '@weft/proto/money';
import { OrderStatus } from '@weft/proto/order';
import { UserServiceDefinition } from '@weft/proto/user';
import {
  badFields,
  type Cleanup,
  connect,
  failureOf,
  serve,
  startOrders,
  startUsers,
} from '../support/services.ts';

const MAX_UNITS = 2n ** 63n - 1n;
const keyReused = { code: 'ALREADY_EXISTS', reason: 'IDEMPOTENCY_KEY_REUSED' };

function eur(units: bigint, nanos = 0): Money {
  return { currencyCode: 'EUR', units, nanos };
}

function line(productId: string, unitPrice: Money | undefined = eur(1n), quantity = 1) {
  return { productId, quantity, unitPrice };
}

describe('order.v1.OrderService', () => {
  let cleanup: Cleanup;
  let client: Awaited<ReturnType<typeof startOrders>>['client'];
  let userId: string;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    const users = await startUsers(cleanup);
    ({ client } = await startOrders(cleanup, users.client));
    const { user } = await users.client.createUser({ name: 'Ada', email: 'ada@example.com' });
    userId = user?.id ?? '';
  });
  afterEach(() => cleanup.disposeAsync());

  async function count(): Promise<number> {
    return (await client.listUserOrders({ userId, pageSize: 1000 })).orders.length;
  }

  async function create(unitPrice = eur(1n), idempotencyKey = '') {
    const { order } = await client.createOrder({
      userId,
      lines: [line('book', unitPrice)],
      idempotencyKey,
    });
    if (order === undefined) throw new Error('no order was answered');
    return order;
  }

  describe('CreateOrder', () => {
    it('stores a PENDING order with an exact total and answers it', async () => {
      const lines = [line('book', eur(12n, 500_000_000), 3), line('pen', eur(0n, 333_333_333), 3)];
      const { order } = await client.createOrder({ userId, lines });
      expect(order).toMatchObject({
        userId,
        lines,
        total: eur(38n, 499_999_999),
        status: OrderStatus.ORDER_STATUS_PENDING,
        paymentId: '',
      });
      expect((await client.getOrder({ id: order?.id })).order).toEqual(order);
      expect((await client.listUserOrders({ userId })).orders).toEqual([order]);
    });

    it('answers the first order for the same key and body, and refuses another body', async () => {
      const first = await create(eur(1n), 'k1');
      expect(await create(eur(1n), 'k1')).toEqual(first);
      expect(await failureOf(create(eur(2n), 'k1'))).toEqual(keyReused);
      expect(await count()).toBe(1);
    });

    it('creates one order for the same key sent 20 times at once', async () => {
      const orders = await Promise.all(Array.from({ length: 20 }, () => create(eur(1n), 'k1')));
      expect(new Set(orders.map(({ id }) => id)).size).toBe(1);
      expect(await count()).toBe(1);
    });

    it('takes the largest amount, 1000 lines and a free product', async () => {
      expect((await create(eur(MAX_UNITS, 999_999_999))).total?.units).toBe(MAX_UNITS);
      const lines = Array.from({ length: 1000 }, (_, i) => line(`p${i}`, eur(0n), 1_000_000));
      expect((await client.createOrder({ userId, lines })).order?.total).toEqual(eur(0n));
    });

    it.each<[string, object, string[]]>([
      ['no user', { userId: '' }, ['user_id']],
      ['no lines', { lines: [] }, ['lines']],
      ['1001 lines', { lines: Array.from({ length: 1001 }, (_, i) => line(`p${i}`)) }, ['lines']],
      ['a product twice', { lines: [line('a'), line('a')] }, ['lines[1].product_id']],
      ['no product', { lines: [line('')] }, ['lines[0].product_id']],
      ['a product id of 65', { lines: [line('x'.repeat(65))] }, ['lines[0].product_id']],
      ['quantity 0', { lines: [line('a', eur(1n), 0)] }, ['lines[0].quantity']],
      ['quantity -1', { lines: [line('a', eur(1n), -1)] }, ['lines[0].quantity']],
      ['quantity 1,000,001', { lines: [line('a', eur(1n), 1_000_001)] }, ['lines[0].quantity']],
      ['no price', { lines: [{ productId: 'a', quantity: 1 }] }, ['lines[0].unit_price']],
      ['negative units', { lines: [line('a', eur(-1n))] }, ['lines[0].unit_price.units']],
      [
        'negative nanos on line 2',
        { lines: [line('a'), line('b'), line('c', eur(0n, -1))] },
        ['lines[2].unit_price.nanos'],
      ],
      ['10^9 nanos', { lines: [line('a', eur(0n, 1e9))] }, ['lines[0].unit_price.nanos']],
      [
        'a currency in lower case',
        { lines: [line('a', { ...eur(1n), currencyCode: 'eur' })] },
        ['lines[0].unit_price.currency_code'],
      ],
      [
        'two currencies',
        { lines: [line('a'), line('b', { ...eur(1n), currencyCode: 'USD' })] },
        ['lines[1].unit_price.currency_code'],
      ],
      ['an overflow', { lines: [line('a', eur(MAX_UNITS), 2)] }, ['lines[0].unit_price.units']],
      [
        'an overflow of the sum',
        { lines: [line('a', eur(MAX_UNITS, 999_999_999)), line('b', eur(0n, 1))] },
        ['lines[1].unit_price.units'],
      ],
      ['a key of 129 characters', { idempotencyKey: 'k'.repeat(129) }, ['idempotency_key']],
    ])('refuses %s and stores nothing', async (_, change, fields) => {
      const request = { userId, lines: [line('book')], ...change };
      expect(await failureOf(client.createOrder(request))).toEqual(badFields(...fields));
      expect(await count()).toBe(0);
    });

    it('names the first ten bad lines of a thousand', async () => {
      const lines = Array.from({ length: 1000 }, (_, i) => line(`p${i}`, eur(1n), 0));
      const { fields } = await failureOf(client.createOrder({ userId, lines }));
      expect(fields).toEqual(Array.from({ length: 10 }, (_, i) => `lines[${i}].quantity`));
    });

    it('refuses a user who does not exist', async () => {
      const call = client.createOrder({ userId: 'nobody', lines: [line('book')] });
      expect(await failureOf(call)).toEqual({
        code: 'FAILED_PRECONDITION',
        reason: 'USER_NOT_FOUND',
      });
      expect((await client.listUserOrders({ userId: 'nobody' })).orders).toEqual([]);
    });

    it('refuses a message over 4 MiB and lives on', async () => {
      const call = client.createOrder({ userId, lines: [line('x'.repeat(5 * 1024 * 1024))] });
      expect(await failureOf(call)).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      expect(await count()).toBe(0);
    });
  });

  describe('CreateOrder without user-service', () => {
    const away = { code: 'UNAVAILABLE', reason: 'USER_SERVICE_UNAVAILABLE' };

    it('is UNAVAILABLE, says so and stores nothing, but still answers a key it knows', async () => {
      const userStops = new AsyncDisposableStack();
      const users = await startUsers(userStops);
      const toUsers = connect(cleanup, UserServiceDefinition, users.address);
      const orders = await startOrders(cleanup, toUsers);
      const { user } = await users.client.createUser({ name: 'Bo', email: 'bo@example.com' });
      const request = { userId: user?.id, lines: [line('book')] };
      const first = await orders.client.createOrder({ ...request, idempotencyKey: 'k1' });
      await userStops.disposeAsync();

      expect(await failureOf(orders.client.createOrder(request))).toEqual(away);
      expect(await orders.client.createOrder({ ...request, idempotencyKey: 'k1' })).toEqual(first);
      expect((await orders.client.listUserOrders({ userId: user?.id })).orders.length).toBe(1);
    });

    it('does not take a missing service for a missing user', async () => {
      const serverOfNothing = await serve(cleanup);
      const users = connect(cleanup, UserServiceDefinition, serverOfNothing);
      const orders = await startOrders(cleanup, users);
      const call = orders.client.createOrder({ userId, lines: [line('book')] });
      expect(await failureOf(call)).toEqual(away);
    });
  });

  describe('GetOrder', () => {
    it('tells an unknown id from one that can be none', async () => {
      expect(await failureOf(client.getOrder({ id: 'none' }))).toEqual({
        code: 'NOT_FOUND',
        reason: 'ORDER_NOT_FOUND',
      });
      expect(await failureOf(client.getOrder({}))).toEqual(badFields('id'));
    });
  });

  describe('ListUserOrders', () => {
    it("walks one user's orders once, in order, page by page", async () => {
      const created: string[] = [];
      for (let i = 0; i < 5; i += 1) created.push((await create(eur(BigInt(i)))).id);
      const seen: string[] = [];
      let token = '';
      do {
        const page = await client.listUserOrders({ userId, pageSize: 2, pageToken: token });
        expect(page.orders.length).toBeLessThanOrEqual(2);
        seen.push(...page.orders.map(({ id }) => id));
        token = page.nextPageToken;
      } while (token !== '');
      expect(seen).toEqual(created);
    });

    it('ends a page early rather than outgrow a message', async () => {
      const lines = Array.from({ length: 1000 }, (_, i) => {
        return line(`${i}-`.padEnd(64, '\u6f22'), eur(MAX_UNITS / 1_000_000n), 1);
      });
      for (let i = 0; i < 22; i += 1) await client.createOrder({ userId, lines });
      const pages: number[] = [];
      let token = '';
      do {
        const page = await client.listUserOrders({ userId, pageToken: token });
        pages.push(page.orders.length);
        token = page.nextPageToken;
      } while (token !== '');
      expect(pages).toEqual([10, 10, 2]);
    });

    it('is empty for a user without orders, and refuses what can be no user', async () => {
      expect(await client.listUserOrders({ userId: 'nobody' })).toEqual({
        orders: [],
        nextPageToken: '',
      });
      expect(await failureOf(client.listUserOrders({}))).toEqual(badFields('user_id'));
    });

    it.each([
      ['a negative page size', { pageSize: -1 }, 'page_size'],
      ['a page size over 1000', { pageSize: 1001 }, 'page_size'],
      ['a garbage token', { pageToken: '%%%' }, 'page_token'],
      ['a token of another kind', { pageToken: pageToken('1; DROP TABLE') }, 'page_token'],
    ])('refuses %s', async (_, change, field) => {
      expect(await failureOf(client.listUserOrders({ userId, ...change }))).toEqual(
        badFields(field),
      );
    });
  });

  describe('MarkOrderPaid', () => {
    it('moves the order to PAID, and again for the same payment', async () => {
      const { id } = await create(eur(5n));
      const request = { orderId: id, paymentId: 'p1', amount: eur(5n) };
      const { order } = await client.markOrderPaid(request);
      expect(order).toMatchObject({ id, status: OrderStatus.ORDER_STATUS_PAID, paymentId: 'p1' });
      expect((await client.markOrderPaid(request)).order).toEqual(order);
      expect((await client.getOrder({ id })).order).toEqual(order);
    });

    it('refuses a second payment, another amount and another currency', async () => {
      const { id: orderId } = await create(eur(5n));
      const mark = (paymentId: string, amount: Money) =>
        failureOf(client.markOrderPaid({ orderId, paymentId, amount }));
      const mismatch = { code: 'FAILED_PRECONDITION', reason: 'AMOUNT_MISMATCH' };
      expect(await mark('p1', eur(5n, 1))).toEqual(mismatch);
      expect(await mark('p1', { ...eur(5n), currencyCode: 'USD' })).toEqual(mismatch);
      expect((await client.getOrder({ id: orderId })).order?.paymentId).toBe('');
      await client.markOrderPaid({ orderId, paymentId: 'p1', amount: eur(5n) });
      expect(await mark('p2', eur(5n))).toEqual({
        code: 'FAILED_PRECONDITION',
        reason: 'ORDER_ALREADY_PAID',
      });
      expect(await mark('p1', eur(6n))).toEqual(mismatch);
      expect((await client.getOrder({ id: orderId })).order?.paymentId).toBe('p1');
    });

    it('lets one of 20 payments at once pay', async () => {
      const { id: orderId } = await create(eur(5n));
      const marks = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) =>
          client.markOrderPaid({ orderId, paymentId: `p${i}`, amount: eur(5n) }),
        ),
      );
      expect(marks.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    });

    it('refuses an unknown order and bad fields', async () => {
      const request = { orderId: 'none', paymentId: 'p1', amount: eur(1n) };
      expect(await failureOf(client.markOrderPaid(request))).toEqual({
        code: 'NOT_FOUND',
        reason: 'ORDER_NOT_FOUND',
      });
      expect(await failureOf(client.markOrderPaid({}))).toEqual(
        badFields('order_id', 'payment_id', 'amount'),
      );
      const negative = { ...request, amount: { currencyCode: '', units: -1n, nanos: -1 } };
      expect(await failureOf(client.markOrderPaid(negative))).toEqual(
        badFields('amount.currency_code', 'amount.units', 'amount.nanos'),
      );
    });
  });
});
