import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Money } from '@weft/proto/money';
import { type Payment, PaymentStatus } from '@weft/proto/payment';
import { Database } from '@weft/service-kit';
import { migrations } from './schema.ts';

export interface NewPayment {
  orderId: string;
  userId: string;
  amount: Money;
  idempotencyKey: string;
  /** Tells whether two requests under one key are the same. */
  requestHash: string;
}

/** A payment being worked on, and by whom until when. */
export interface Claim {
  worker: string;
  leaseMs: number;
}

export type EarlierPayment = { kind: 'existing'; payment: Payment } | { kind: 'key-reused' };

export type AcceptOutcome =
  | EarlierPayment
  | { kind: 'accepted'; payment: Payment }
  | { kind: 'order-taken'; by: Payment };

type Row = Record<string, SQLOutputValue>;

const statuses: Record<string, PaymentStatus> = {
  PROCESSING: PaymentStatus.PAYMENT_STATUS_PROCESSING,
  COMPLETED: PaymentStatus.PAYMENT_STATUS_COMPLETED,
  FAILED: PaymentStatus.PAYMENT_STATUS_FAILED,
};

/**
 * All the SQL of payment-service. Every step on a payment in work is taken in the name of a worker
 * and does nothing, answering false, once another worker has the claim.
 */
export class PaymentRepository {
  readonly #db: Database;
  readonly #now: () => number;

  private constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Opens the database file, or creates it.
   * @param now the clock in ms since 1970; all instances on the file must have the same
   */
  static async open(file: string, now: () => number = Date.now): Promise<PaymentRepository> {
    return new PaymentRepository(await Database.open(file, migrations), now);
  }

  /** What an earlier request under this key led to; undefined when there was none. */
  findByKey(idempotencyKey: string, requestHash: string): EarlierPayment | undefined {
    return this.#db.read((db) => findByKey(db, idempotencyKey, requestHash));
  }

  /** Stores a PROCESSING payment, claimed, unless its key or its order has one already. */
  accept(payment: NewPayment, claim: Claim): Promise<AcceptOutcome> {
    return this.#db.write((db) => {
      const earlier = findByKey(db, payment.idempotencyKey, payment.requestHash);
      if (earlier !== undefined) return earlier;
      const sql = `SELECT * FROM payments WHERE order_id = ? AND status IN ('PROCESSING', 'COMPLETED')`;
      const active = db.prepare(sql).get(payment.orderId);
      if (active !== undefined) return { kind: 'order-taken', by: toPayment(active) };
      return { kind: 'accepted', payment: insert(db, payment, claim, this.#now()) };
    });
  }

  get(id: string): Payment | undefined {
    const row = this.#db.read((db) => db.prepare('SELECT * FROM payments WHERE id = ?').get(id));
    return row && toPayment(row);
  }

  isCharged(id: string): boolean {
    const sql = 'SELECT 1 FROM charges WHERE payment_id = ?';
    return this.#db.read((db) => db.prepare(sql).get(id)) !== undefined;
  }

  /** Charges a payment, at most once ever. False when the claim is lost. */
  charge(id: string, worker: string): Promise<boolean> {
    return this.#db.write((db) => {
      if (!isClaimedBy(db, id, worker)) return false;
      db.prepare(
        `INSERT INTO charges (payment_id, currency_code, units, nanos, charge_time)
         SELECT id, currency_code, units, nanos, ? FROM payments WHERE id = ?
         ON CONFLICT DO NOTHING`,
      ).run(this.#now(), id);
      return true;
    });
  }

  /** Ends a payment as COMPLETED. False when the claim is lost. */
  complete(id: string, worker: string): Promise<boolean> {
    return this.#db.write((db) =>
      this.#finish(db, { id, worker, status: 'COMPLETED', reason: '' }),
    );
  }

  /** Ends a payment as FAILED and takes its charge back. False when the claim is lost. */
  fail(id: string, worker: string, reason: string): Promise<boolean> {
    return this.#db.write((db) => {
      if (!this.#finish(db, { id, worker, status: 'FAILED', reason })) return false;
      const refund = db.prepare('UPDATE charges SET refund_time = ? WHERE payment_id = ?');
      refund.run(this.#now(), id);
      return true;
    });
  }

  /** Claims up to `limit` payments whose worker has not renewed its claim, the oldest claims first. */
  async claimAbandoned({ worker, leaseMs }: Claim, limit: number): Promise<Payment[]> {
    // A claim further ahead than any claim is made was made before the clock was set back.
    const abandoned = `status = 'PROCESSING' AND (claimed_until <= ? OR claimed_until > ?)`;
    // Looking first, without the write lock, keeps idle instances out of each other's way.
    const any = this.#db.read((db) => {
      const now = this.#now();
      return db.prepare(`SELECT 1 FROM payments WHERE ${abandoned}`).get(now, now + leaseMs);
    });
    if (limit <= 0 || any === undefined) return [];
    return this.#db.write((db) => {
      const now = this.#now();
      return db
        .prepare(
          `UPDATE payments SET claimed_by = ?, claimed_until = ? WHERE id IN
             (SELECT id FROM payments WHERE ${abandoned} ORDER BY claimed_until LIMIT ?)
           RETURNING *`,
        )
        .all(worker, now + leaseMs, now, now + leaseMs, limit)
        .map(toPayment);
    });
  }

  /** Renews the claims of a worker on these payments; those it has lost stay lost. */
  renew(ids: readonly string[], { worker, leaseMs }: Claim): Promise<void> {
    return this.#claimUntil(ids, worker, () => this.#now() + leaseMs);
  }

  /** Gives up the claims of a worker on these payments, for others to take at once. */
  release(ids: readonly string[], worker: string): Promise<void> {
    return this.#claimUntil(ids, worker, () => 0);
  }

  /** From now on, nothing waits for another process that has the lock of the file. */
  stopWaiting(): void {
    this.#db.stopWaiting();
  }

  close(): void {
    this.#db.close();
  }

  async #claimUntil(ids: readonly string[], worker: string, until: () => number): Promise<void> {
    if (ids.length === 0) return;
    const sql = `UPDATE payments SET claimed_until = ? WHERE claimed_by = ? AND status = 'PROCESSING'
       AND id IN (SELECT value FROM json_each(?))`;
    const json = JSON.stringify(ids);
    await this.#db.write((db) => db.prepare(sql).run(until(), worker, json));
  }

  #finish(db: DatabaseSync, { id, worker, status, reason }: PaymentEnd): boolean {
    const { changes } = db
      .prepare(
        `UPDATE payments SET status = ?, failure_reason = ?, complete_time = ?
         WHERE id = ? AND claimed_by = ? AND status = 'PROCESSING'`,
      )
      .run(status, reason, this.#now(), id, worker);
    return Number(changes) === 1;
  }
}

interface PaymentEnd {
  id: string;
  worker: string;
  status: 'COMPLETED' | 'FAILED';
  /** Empty unless the payment failed. */
  reason: string;
}

function findByKey(
  db: DatabaseSync,
  idempotencyKey: string,
  requestHash: string,
): EarlierPayment | undefined {
  const row = db.prepare('SELECT * FROM payments WHERE idempotency_key = ?').get(idempotencyKey);
  if (row === undefined) return undefined;
  return row.request_hash === requestHash
    ? { kind: 'existing', payment: toPayment(row) }
    : { kind: 'key-reused' };
}

function isClaimedBy(db: DatabaseSync, id: string, worker: string): boolean {
  const claim = db.prepare(
    `SELECT 1 FROM payments WHERE id = ? AND claimed_by = ? AND status = 'PROCESSING'`,
  );
  return claim.get(id, worker) !== undefined;
}

function insert(
  db: DatabaseSync,
  { orderId, userId, amount, idempotencyKey, requestHash }: NewPayment,
  { worker, leaseMs }: Claim,
  now: number,
): Payment {
  const row = db
    .prepare(
      `INSERT INTO payments (id, idempotency_key, request_hash, order_id, user_id, currency_code,
         units, nanos, status, claimed_by, claimed_until, create_time)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?, ?) RETURNING *`,
    )
    .get(
      randomUUID(),
      idempotencyKey,
      requestHash,
      orderId,
      userId,
      amount.currencyCode,
      amount.units,
      amount.nanos,
      worker,
      now + leaseMs,
      now,
    ) as Row;
  return toPayment(row);
}

function toPayment(row: Row): Payment {
  return {
    id: row.id as string,
    orderId: row.order_id as string,
    userId: row.user_id as string,
    amount: {
      currencyCode: row.currency_code as string,
      units: row.units as bigint,
      nanos: Number(row.nanos),
    },
    status: statuses[row.status as string] ?? PaymentStatus.PAYMENT_STATUS_UNSPECIFIED,
    failureReason: row.failure_reason as string,
    createTime: new Date(Number(row.create_time)),
    completeTime: row.complete_time === null ? undefined : new Date(Number(row.complete_time)),
  };
}
