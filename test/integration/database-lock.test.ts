import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';
import { ServiceStage } from '../support/service-process.ts';
import { failureOf } from '../support/services.ts';
import { price } from '../support/shop.ts';

const names = ['user', 'order', 'payment'];
let stage: ServiceStage;

beforeAll(async () => {
  stage = await ServiceStage.open();
  for (const name of names) stage.start(name, name, { PAYMENT_PROCESSING_MS: '0' });
  await stage.listed(names, 1);
}, 30_000);
afterAll(() => stage.close());

/** Holds the write lock of a service's database, as a backup or a person with `sqlite3` does. */
function lock(service: string): () => void {
  const db = new DatabaseSync(join(stage.folder, service, `${service}-service.db`));
  db.exec('BEGIN IMMEDIATE');
  return () => {
    db.exec('ROLLBACK');
    db.close();
  };
}

const busy = { code: 'ABORTED', reason: 'DATABASE_BUSY' };

/** Reads every 20 ms until `end` aborts. @returns the longest read, in ms */
async function readSteadily(read: () => Promise<unknown>, end: AbortSignal): Promise<number> {
  let longestMs = 0;
  while (!end.aborted) {
    const startedAt = performance.now();
    await read().catch(() => {});
    longestMs = Math.max(longestMs, performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return longestMs;
}

describe('a database that another process has locked', () => {
  it('delays writes up to their deadline and nothing else', async () => {
    const { mesh } = stage;
    const users = mesh.client(UserServiceDefinition);
    const orders = mesh.client(OrderServiceDefinition);
    const payments = mesh.client(PaymentServiceDefinition);
    const { user } = await users.createUser({ name: 'Ada', email: 'ada@example.com' });
    const userId = user?.id ?? '';
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await orders.createOrder({ userId, lines });
    const toPay = { orderId: order?.id ?? '', userId, amount: price, idempotencyKey: 'k1' };

    const locks = names.map(lock);
    const end = new AbortController();
    const reads = [
      readSteadily(() => users.getUser({ id: userId }), end.signal),
      readSteadily(() => orders.listUserOrders({ userId }), end.signal),
      readSteadily(() => payments.getPayment({ id: 'none' }), end.signal),
    ];
    // Patient callers get what they asked for once the lock is gone.
    const patient = Promise.allSettled([
      users.createUser({ name: 'Bo', email: 'bo@example.com' }, { timeoutMs: 20_000 }),
      orders.createOrder({ userId, lines }, { timeoutMs: 20_000 }),
      payments.processPayment(toPay, { timeoutMs: 20_000 }),
    ]);
    const impatient = [
      users.createUser({ name: 'Cy', email: 'cy@example.com' }, { timeoutMs: 2000 }),
      orders.createOrder({ userId, lines }, { timeoutMs: 2000 }),
      payments.processPayment({ ...toPay, idempotencyKey: 'k2' }, { timeoutMs: 2000 }),
    ];
    const failures = await Promise.all(impatient.map(failureOf));
    end.abort();
    const longestMs = await Promise.all(reads);
    for (const release of locks) release();
    const outcomes = (await patient).map(({ status }) => status);
    expect(failures).toEqual([busy, busy, busy]);
    expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(Math.max(...longestMs)).toBeLessThan(1500);
    const stored = (await users.listUsers({})).users.map(({ name }) => name);
    expect(stored).toEqual(['Ada', 'Bo']);
  });
});
