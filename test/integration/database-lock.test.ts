import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createMesh, type Mesh } from '@weft/client-sdk';
import { OrderServiceDefinition } from '@weft/proto/order';
import { PaymentServiceDefinition } from '@weft/proto/payment';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Registry } from '@weft/registry';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { type ServiceProcess, startService } from '../support/service-process.ts';
import { failureOf } from '../support/services.ts';
import { price } from '../support/shop.ts';
import { tempFolder } from '../support/temp-folder.ts';

const folder = tempFolder();
const running: ServiceProcess[] = [];
let registry: Registry;
let mesh: Mesh;

beforeAll(async () => {
  registry = await createTestRegistry();
  mesh = createMesh({ registry: registry.address });
  for (const name of ['user', 'order', 'payment']) {
    const WEFT_DATA_DIR = join(folder.path, name);
    const PAYMENT_PROCESSING_MS = '0';
    const WEFT_REGISTRY = registry.address;
    running.push(startService(name, { WEFT_REGISTRY, WEFT_DATA_DIR, PAYMENT_PROCESSING_MS }));
  }
  await eventually(
    async () => {
      for (const name of ['user', 'order', 'payment']) {
        expect((await mesh.discover(`${name}-service`)).instances).toHaveLength(1);
      }
    },
    { withinMs: 20_000 },
  );
}, 30_000);
afterAll(async () => {
  mesh.close();
  await Promise.all(running.map((each) => each.end()));
  await registry.close();
  folder[Symbol.dispose]();
});

/** Holds the write lock of a service's database, as a backup or a person with `sqlite3` does. */
function lock(service: string): () => void {
  const db = new DatabaseSync(join(folder.path, service, `${service}-service.db`));
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
    const users = mesh.client(UserServiceDefinition);
    const orders = mesh.client(OrderServiceDefinition);
    const payments = mesh.client(PaymentServiceDefinition);
    const { user } = await users.createUser({ name: 'Ada', email: 'ada@example.com' });
    const userId = user?.id ?? '';
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await orders.createOrder({ userId, lines });
    const toPay = { orderId: order?.id ?? '', userId, amount: price, idempotencyKey: 'k1' };

    const locks = ['user', 'order', 'payment'].map(lock);
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
      users.createUser({ name: 'Cy', email: 'cy@example.com' }, { timeoutMs: 1000 }),
      orders.createOrder({ userId, lines }, { timeoutMs: 1000 }),
      payments.processPayment({ ...toPay, idempotencyKey: 'k2' }, { timeoutMs: 1000 }),
    ];
    const failures = await Promise.all(impatient.map(failureOf));
    end.abort();
    const longestMs = await Promise.all(reads);
    for (const release of locks) release();
    const outcomes = (await patient).map(({ status }) => status);
    expect(failures).toEqual([busy, busy, busy]);
    expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(Math.max(...longestMs)).toBeLessThan(500);
    const names = (await users.listUsers({})).users.map(({ name }) => name);
    expect(names).toEqual(['Ada', 'Bo']);
  });
});
