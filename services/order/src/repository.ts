import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { isSameMoney } from '@weft/proto';
import type { Money } from '@weft/proto/money';
import { type Order, type OrderLine, OrderStatus } from '@weft/proto/order';
import { Database } from '@weft/service-kit';
import { linesFromJson, linesToJson } from './stored-lines.ts';

const migrations = [
  `
  CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    lines TEXT NOT NULL,
    line_count INTEGER NOT NULL,
    currency_code TEXT NOT NULL,
    total_units INTEGER NOT NULL,
    total_nanos INTEGER NOT NULL,
    payment_id TEXT,
    create_time INTEGER NOT NULL,
    idempotency_key TEXT UNIQUE,
    request_hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS orders_of_user ON orders (user_id, seq)`,
];

/** A page ends early rather than grow past what one message holds: 10,000 lines are below 3 MiB. */
const MAX_LINES_PER_PAGE = 10_000n;

export interface NewOrder {
  userId: string;
  lines: readonly OrderLine[];
  total: Money;
  /** Empty for none. */
  idempotencyKey: string;
  /** Tells whether two requests under one key are the same. */
  requestHash: string;
}

export type CreateOutcome = { kind: 'stored'; order: Order } | { kind: 'key-reused' };

export type PayOutcome =
  | { kind: 'paid'; order: Order }
  | { kind: 'not-found' }
  | { kind: 'paid-by-another'; paymentId: string }
  | { kind: 'amount-mismatch'; total: Money };

/** One page; `next` is where the following one starts, undefined on the last. */
export interface OrderPage {
  orders: Order[];
  next: bigint | undefined;
}

type Row = Record<string, SQLOutputValue>;

/** All the SQL of order-service. */
export class OrderRepository {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  /** Opens the database file, or creates it; ':memory:' for a database that is not kept. */
  static async open(file: string): Promise<OrderRepository> {
    return new OrderRepository(await Database.open(file, migrations));
  }

  /** What an earlier request under this key led to; undefined when there was none. */
  findByKey(idempotencyKey: string, requestHash: string): CreateOutcome | undefined {
    return this.#db.read((db) => findByKey(db, idempotencyKey, requestHash));
  }

  /** Stores a PENDING order, or returns the one stored earlier under the same key. */
  create(order: NewOrder): Promise<CreateOutcome> {
    return this.#db.write(
      (db) => findByKey(db, order.idempotencyKey, order.requestHash) ?? insert(db, order),
    );
  }

  get(id: string): Order | undefined {
    return this.#db.read((db) => find(db, id));
  }

  /** A user's orders in the order they were created, from after `after`; at least one if any is left. */
  listOfUser(userId: string, after: bigint, limit: number): OrderPage {
    return this.#db.read((db) => listOfUser(db, userId, after, limit));
  }

  /** Moves an order from PENDING to PAID; the same payment may do so again. */
  markPaid(id: string, paymentId: string, amount: Money): Promise<PayOutcome> {
    return this.#db.write((db) => {
      const order = find(db, id);
      if (order?.total === undefined) return { kind: 'not-found' };
      if (order.paymentId !== '' && order.paymentId !== paymentId) {
        return { kind: 'paid-by-another', paymentId: order.paymentId };
      }
      if (!isSameMoney(order.total, amount)) return { kind: 'amount-mismatch', total: order.total };
      if (order.paymentId === paymentId) return { kind: 'paid', order };
      db.prepare('UPDATE orders SET payment_id = ? WHERE id = ?').run(paymentId, id);
      return {
        kind: 'paid',
        order: { ...order, paymentId, status: OrderStatus.ORDER_STATUS_PAID },
      };
    });
  }

  close(): void {
    this.#db.close();
  }
}

function findByKey(
  db: DatabaseSync,
  idempotencyKey: string,
  requestHash: string,
): CreateOutcome | undefined {
  const row = db.prepare('SELECT * FROM orders WHERE idempotency_key = ?').get(idempotencyKey);
  if (row === undefined) return undefined;
  return row.request_hash === requestHash
    ? { kind: 'stored', order: toOrder(row) }
    : { kind: 'key-reused' };
}

function find(db: DatabaseSync, id: string): Order | undefined {
  const row = db.prepare('SELECT * FROM orders WHERE id = ?').get(id);
  return row && toOrder(row);
}

function listOfUser(db: DatabaseSync, userId: string, after: bigint, limit: number): OrderPage {
  const rows = db
    .prepare('SELECT * FROM orders WHERE user_id = ? AND seq > ? ORDER BY seq')
    .iterate(userId, after);
  const orders: Order[] = [];
  let last: bigint | undefined;
  let lines = 0n;
  for (const row of rows) {
    lines += row.line_count as bigint;
    if (orders.length === limit || (orders.length > 0 && lines > MAX_LINES_PER_PAGE)) {
      return { orders, next: last };
    }
    orders.push(toOrder(row));
    last = row.seq as bigint;
  }
  return { orders, next: undefined };
}

function insert(
  db: DatabaseSync,
  { userId, lines, total, idempotencyKey, requestHash }: NewOrder,
): CreateOutcome {
  const row = db
    .prepare(
      `INSERT INTO orders (id, user_id, lines, line_count, currency_code, total_units,
         total_nanos, create_time, idempotency_key, request_hash)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`,
    )
    .get(
      randomUUID(),
      userId,
      linesToJson(lines),
      lines.length,
      total.currencyCode,
      total.units,
      total.nanos,
      Date.now(),
      idempotencyKey || null,
      requestHash,
    ) as Row;
  return { kind: 'stored', order: toOrder(row) };
}

function toOrder(row: Row): Order {
  const currencyCode = row.currency_code as string;
  return {
    id: row.id as string,
    userId: row.user_id as string,
    lines: linesFromJson(row.lines as string, currencyCode),
    total: {
      currencyCode,
      units: row.total_units as bigint,
      nanos: Number(row.total_nanos),
    },
    status:
      row.payment_id === null ? OrderStatus.ORDER_STATUS_PENDING : OrderStatus.ORDER_STATUS_PAID,
    paymentId: (row.payment_id as string | null) ?? '',
    createTime: new Date(Number(row.create_time)),
  };
}
