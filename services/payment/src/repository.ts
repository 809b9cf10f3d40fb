import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Money } from '@weft/proto/money';
import { type Payment, PaymentStatus } from '@weft/proto/payment';
import { inTransaction, openDatabase } from '@weft/service-kit';
import { schema } from './schema.ts';

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
  readonly #db: DatabaseSync;
  readonly #now: () => number;

  /**
   * Opens, and if need be creates, the database file. `now` is the clock, milliseconds since 1970;
   * it must be that of the other instances on the file.
   */
  constructor(file: string, now: () => number = Date.now) {
    this.#db = openDatabase(file, schema);
    this.#now = now;
  }

  /** What an earlier request under this key led to; undefined when there was none. */
  findByKey(idempotencyKey: string, requestHash: string): EarlierPayment | undefined {
    const row = this.#one('SELECT * FROM payments WHERE idempotency_key = ?', idempotencyKey);
    if (row === undefined) return undefined;
    return row.request_hash === requestHash
      ? { kind: 'existing', payment: toPayment(row) }
      : { kind: 'key-reused' };
  }

  /** Stores a PROCESSING payment, claimed, unless its key or its order has one already. */
  accept(payment: NewPayment, claim: Claim): AcceptOutcome {
    return inTransaction(this.#db, () => {
      const earlier = this.findByKey(payment.idempotencyKey, payment.requestHash);
      if (earlier !== undefined) return earlier;
      const active = this.#one(
        `SELECT * FROM payments WHERE order_id = ? AND status IN ('PROCESSING', 'COMPLETED')`,
        payment.orderId,
      );
      if (active !== undefined) return { kind: 'order-taken', by: toPayment(active) };
      return { kind: 'accepted', payment: this.#insert(payment, claim) };
    });
  }

  get(id: string): Payment | undefined {
    const row = this.#one('SELECT * FROM payments WHERE id = ?', id);
    return row && toPayment(row);
  }

  isCharged(id: string): boolean {
    return this.#one('SELECT 1 FROM charges WHERE payment_id = ?', id) !== undefined;
  }

  /** Charges a payment, at most once ever. False when the claim is lost. */
  charge(id: string, worker: string): boolean {
    return inTransaction(this.#db, () => {
      if (!this.#isClaimedBy(id, worker)) return false;
      this.#db
        .prepare(
          `INSERT INTO charges (payment_id, currency_code, units, nanos, charge_time)
           SELECT id, currency_code, units, nanos, ? FROM payments WHERE id = ?
           ON CONFLICT DO NOTHING`,
        )
        .run(this.#now(), id);
      return true;
    });
  }

  /** Ends a payment as COMPLETED. False when the claim is lost. */
  complete(id: string, worker: string): boolean {
    return inTransaction(this.#db, () => this.#finish(id, worker, 'COMPLETED', ''));
  }

  /** Ends a payment as FAILED and takes its charge back. False when the claim is lost. */
  fail(id: string, worker: string, reason: string): boolean {
    return inTransaction(this.#db, () => {
      if (!this.#finish(id, worker, 'FAILED', reason)) return false;
      this.#db
        .prepare('UPDATE charges SET refund_time = ? WHERE payment_id = ?')
        .run(this.#now(), id);
      return true;
    });
  }

  /** Claims up to `limit` payments whose worker has not renewed its claim, the oldest claims first. */
  claimAbandoned({ worker, leaseMs }: Claim, limit: number): Payment[] {
    const now = this.#now();
    // A claim further ahead than any claim is made was made before the clock was set back.
    const abandoned = `status = 'PROCESSING' AND (claimed_until <= ? OR claimed_until > ?)`;
    // Looking first, without the write lock, keeps idle instances out of each other's way.
    const any = this.#db.prepare(`SELECT 1 FROM payments WHERE ${abandoned} LIMIT 1`);
    if (limit <= 0 || any.get(now, now + leaseMs) === undefined) return [];
    return inTransaction(this.#db, () =>
      this.#db
        .prepare(
          `UPDATE payments SET claimed_by = ?, claimed_until = ? WHERE id IN
             (SELECT id FROM payments WHERE ${abandoned} ORDER BY claimed_until LIMIT ?)
           RETURNING *`,
        )
        .all(worker, now + leaseMs, now, now + leaseMs, limit)
        .map(toPayment),
    );
  }

  /** Renews the claims of a worker on these payments; those it has lost stay lost. */
  renew(ids: readonly string[], { worker, leaseMs }: Claim): void {
    this.#claimUntil(ids, worker, this.#now() + leaseMs);
  }

  /** Gives up the claims of a worker on these payments, for others to take at once. */
  release(ids: readonly string[], worker: string): void {
    this.#claimUntil(ids, worker, 0);
  }

  close(): void {
    this.#db.close();
  }

  #claimUntil(ids: readonly string[], worker: string, until: number): void {
    if (ids.length === 0) return;
    this.#db
      .prepare(
        `UPDATE payments SET claimed_until = ? WHERE claimed_by = ? AND status = 'PROCESSING'
           AND id IN (SELECT value FROM json_each(?))`,
      )
      .run(until, worker, JSON.stringify(ids));
  }

  #finish(id: string, worker: string, status: string, reason: string): boolean {
    const { changes } = this.#db
      .prepare(
        `UPDATE payments SET status = ?, failure_reason = ?, complete_time = ?
         WHERE id = ? AND claimed_by = ? AND status = 'PROCESSING'`,
      )
      .run(status, reason, this.#now(), id, worker);
    return Number(changes) === 1;
  }

  #isClaimedBy(id: string, worker: string): boolean {
    const claim = this.#db.prepare(
      `SELECT 1 FROM payments WHERE id = ? AND claimed_by = ? AND status = 'PROCESSING'`,
    );
    return claim.get(id, worker) !== undefined;
  }

  #insert(payment: NewPayment, { worker, leaseMs }: Claim): Payment {
    const { orderId, userId, amount, idempotencyKey, requestHash } = payment;
    const now = this.#now();
    const row = this.#db
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

  #one(sql: string, parameter: string): Row | undefined {
    return this.#db.prepare(sql).get(parameter);
  }
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
