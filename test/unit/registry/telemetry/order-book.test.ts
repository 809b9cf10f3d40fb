import { beforeEach, expect, it } from '@jest/globals';
import { BreakerState } from '@weft/proto/telemetry';
import { OrderBook } from '../../../../registry/src/telemetry/order-book.ts';

const { BREAKER_STATE_OPEN: open, BREAKER_STATE_CLOSED: closed } = BreakerState;

let now: number;
let count: number;
let book: OrderBook;

beforeEach(() => {
  now = 0;
  count = 0;
  book = new OrderBook(
    () => `order ${++count}`,
    () => now,
  );
});

const give = (instanceId: string, state: BreakerState, callerInstanceId = '') =>
  book.add({ service: 'echo', instanceId, state, callerInstanceId });

it('tells each client the orders for it, the oldest first, the latest in place of the one before', () => {
  give('a', open);
  give('a', closed, 'shop-1');
  expect(book.ordersFor('shop-1').map(({ id }) => id)).toEqual(['order 1', 'order 2']);
  expect(book.ordersFor('shop-2')).toEqual([
    { id: 'order 1', service: 'echo', instanceId: 'a', state: open },
  ]);
  give('a', closed);
  expect(book.ordersFor('shop-1').map(({ id }) => id)).toEqual(['order 2', 'order 3']);
});

it('forgets orders after a while, and the oldest when there are too many', () => {
  give('a', open);
  now = 29_999;
  expect(book.ordersFor('x')).toHaveLength(1);
  now = 30_000;
  expect(book.ordersFor('x')).toEqual([]);
  for (let id = 0; id < 1500; id += 1) give(`e${id}`, open);
  expect(book.ordersFor('x')).toHaveLength(1000);
  expect(book.ordersFor('x')[0]?.instanceId).toBe('e500');
});
