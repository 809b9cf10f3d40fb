import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OrderStatus } from '@weft/proto/order';
import { PaymentServiceDefinition, PaymentStatus } from '@weft/proto/payment';
import { eventually } from '../support/eventually.ts';
import { type Cleanup, connect, startOrders, startUsers } from '../support/services.ts';
import { tempFolder } from '../support/temp-folder.ts';

const price = { currencyCode: 'EUR', units: 9n, nanos: 990_000_000 };

describe('payment-service in processes of its own', () => {
  let cleanup: Cleanup;
  let file: string;
  let userId: string;
  let orders: Awaited<ReturnType<typeof startOrders>>;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    file = join(cleanup.use(tempFolder()).path, 'payment-service.db');
    const users = await startUsers(cleanup);
    orders = await startOrders(cleanup, users.client);
    const { user } = await users.client.createUser({ name: 'Ada', email: 'ada@example.com' });
    userId = user?.id ?? '';
  });
  afterEach(() => cleanup.disposeAsync());

  async function start(processingMs: number) {
    const child = spawn(
      process.execPath,
      ['--conditions=weft-source', join(import.meta.dirname, '../support/payment-process.ts')],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: {
          ...process.env,
          ORDER_ADDRESS: orders.address,
          DATABASE_FILE: file,
          PAYMENT_PROCESSING_MS: String(processingMs),
        },
      },
    );
    cleanup.defer(() => stop(child));
    const lines = createInterface(child.stdout);
    const [address] = (await once(lines, 'line')) as [string];
    return { child, client: connect(cleanup, PaymentServiceDefinition, address) };
  }

  async function stop(child: ChildProcess, signal?: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (signal === undefined) child.stdin?.end();
    else child.kill(signal);
    await exited;
  }

  async function toPay(idempotencyKey: string) {
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await orders.client.createOrder({ userId, lines });
    return { orderId: order?.id, userId, amount: price, idempotencyKey };
  }

  function rows(sql: string) {
    const db = new DatabaseSync(file, { readOnly: true });
    const all = db.prepare(sql).all();
    db.close();
    return all;
  }

  /** Every order PAID has one COMPLETED payment, charged once, and the other way round. */
  async function expectBooksToBalance(): Promise<void> {
    const completed = new Map(
      rows(
        `SELECT order_id, payments.id FROM payments JOIN charges ON payment_id = payments.id
         WHERE status = 'COMPLETED' AND refund_time IS NULL`,
      ).map((row) => [row.order_id, row.id]),
    );
    const { orders: all } = await orders.client.listUserOrders({ userId, pageSize: 1000 });
    const paid = all.filter(({ status }) => status === OrderStatus.ORDER_STATUS_PAID);
    expect(new Map(paid.map(({ id, paymentId }) => [id, paymentId]))).toEqual(completed);
    const charges = rows('SELECT payment_id FROM charges WHERE refund_time IS NULL');
    expect(charges.length).toBe(completed.size);
  }

  it('opens one fresh database from two processes at once; one key 20 times is one charge', async () => {
    const [a, b] = await Promise.all([start(200), start(200)]);
    const request = await toPay('k1');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? a : b).client.processPayment(request)),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]?.payment?.status).toBe(PaymentStatus.PAYMENT_STATUS_COMPLETED);
    expect(rows('SELECT * FROM charges').length).toBe(1);
    await expectBooksToBalance();
  });

  it('finishes all of 50 payments after one of two processes is killed in their midst', async () => {
    const [victim, survivor] = await Promise.all([start(300), start(300)]);
    const requests = await Promise.all(Array.from({ length: 50 }, (_, i) => toPay(`k${i}`)));
    const calls = requests.map((request, i) =>
      (i % 2 === 0 ? victim : survivor).client.processPayment(request).catch(() => 'cut off'),
    );
    await eventually(() => expect(rows('SELECT id FROM payments').length).toBeGreaterThan(30));
    await stop(victim.child, 'SIGKILL');
    const outcomes = await Promise.all(calls);
    expect(outcomes).toContain('cut off');

    const answers = await Promise.all(
      requests.map((request) => survivor.client.processPayment(request)),
    );
    for (const { payment } of answers) {
      expect(payment?.status).toBe(PaymentStatus.PAYMENT_STATUS_COMPLETED);
    }
    await expectBooksToBalance();
  });

  it('finishes what was in work when its only process is killed and started again', async () => {
    const first = await start(300);
    const requests = await Promise.all(Array.from({ length: 50 }, (_, i) => toPay(`k${i}`)));
    const calls = requests.map((request) =>
      first.client.processPayment(request).catch(() => 'cut off'),
    );
    await eventually(() => expect(rows('SELECT id FROM payments').length).toBeGreaterThan(30));
    await stop(first.child, 'SIGKILL');
    await Promise.all(calls);

    await start(0);
    await eventually(() => {
      expect(rows(`SELECT id FROM payments WHERE status = 'PROCESSING'`)).toEqual([]);
    });
    expect(rows('SELECT id FROM payments').length).toBeGreaterThan(30);
    await expectBooksToBalance();
  });
});
