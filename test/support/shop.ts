import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Order, type OrderServiceClient, OrderStatus } from '@weft/proto/order';
import { type Cleanup, startOrders, startUsers } from './services.ts';
import { tempFolder } from './temp-folder.ts';

/** What everything costs in the shop. */
export const price = { currencyCode: 'EUR', units: 12n, nanos: 500_000_000 };

/** A shop with one user, where payments can be made: user- and order-service, and a file for payments. */
export class Shop {
  readonly userId: string;
  readonly orders: OrderServiceClient;
  /** Database file for payment-service. */
  readonly file: string;

  private constructor(userId: string, orders: OrderServiceClient, file: string) {
    this.userId = userId;
    this.orders = orders;
    this.file = file;
  }

  static async open(cleanup: Cleanup): Promise<Shop> {
    const file = join(cleanup.use(tempFolder()).path, 'payment-service.db');
    const users = await startUsers(cleanup);
    const orders = await startOrders(cleanup, users.client);
    const { user } = await users.client.createUser({ name: 'Ada', email: 'ada@example.com' });
    return new Shop(user?.id ?? '', orders.client, file);
  }

  async newOrder(client = this.orders): Promise<Order> {
    const lines = [{ productId: 'book', quantity: 1, unitPrice: price }];
    const { order } = await client.createOrder({ userId: this.userId, lines });
    if (order === undefined) throw new Error('no order was answered');
    return order;
  }

  /** A request to pay a new order, or the one given. */
  async toPay(idempotencyKey: string, orderId?: string) {
    const id = orderId ?? (await this.newOrder()).id;
    return { orderId: id, userId: this.userId, amount: price, idempotencyKey };
  }

  async isPaid(orderId: string): Promise<boolean> {
    const { order } = await this.orders.getOrder({ id: orderId });
    return order?.status === OrderStatus.ORDER_STATUS_PAID;
  }

  /** How many payments stand in the file, and how many charges that were not taken back. */
  stored(): { payments: number; charges: number } {
    const db = new DatabaseSync(this.file, { readOnly: true });
    const count = (sql: string) => Number(db.prepare(`SELECT count(*) AS n FROM ${sql}`).get()?.n);
    const counts = {
      payments: count('payments'),
      charges: count('charges WHERE refund_time IS NULL'),
    };
    db.close();
    return counts;
  }
}
