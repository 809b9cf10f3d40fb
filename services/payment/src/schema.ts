/**
 * Tables of payment-service. The two unique indexes carry its promises: one payment per idempotency
 * key, one payment per order that is or may become COMPLETED. `charges` is the ledger of the
 * simulated bank: its primary key lets a payment be charged once, whoever tries how often.
 */
export const migrations = [
  `
  CREATE TABLE IF NOT EXISTS payments (
    id TEXT NOT NULL PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    request_hash TEXT NOT NULL,
    order_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    currency_code TEXT NOT NULL,
    units INTEGER NOT NULL,
    nanos INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PROCESSING', 'COMPLETED', 'FAILED')),
    failure_reason TEXT NOT NULL DEFAULT '',
    claimed_by TEXT NOT NULL,
    claimed_until INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    complete_time INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS one_active_payment_per_order
    ON payments (order_id) WHERE status IN ('PROCESSING', 'COMPLETED');
  CREATE INDEX IF NOT EXISTS payments_in_work
    ON payments (claimed_until) WHERE status = 'PROCESSING';
  CREATE TABLE IF NOT EXISTS charges (
    payment_id TEXT NOT NULL PRIMARY KEY REFERENCES payments (id),
    currency_code TEXT NOT NULL,
    units INTEGER NOT NULL,
    nanos INTEGER NOT NULL,
    charge_time INTEGER NOT NULL,
    refund_time INTEGER
  ) STRICT`,
];
