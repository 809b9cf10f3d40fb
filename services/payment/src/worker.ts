import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { withoutCall } from '@weft/client-sdk';
import { callFailure, type Log, silentLog } from '@weft/proto';
import type { OrderServiceClient } from '@weft/proto/order';
import { type Payment, PaymentStatus } from '@weft/proto/payment';
import { abortable } from './abortable.ts';
import type { Claim, PaymentRepository } from './repository.ts';
import { retryWaits } from './retry-waits.ts';

/** How often a payment in the hands of another instance is looked at. */
const POLL_MS = 50;

/** What order-service says when an order can never be paid by this payment. */
const refusals = new Set([
  'ORDER_NOT_FOUND',
  'ORDER_ALREADY_PAID',
  'AMOUNT_MISMATCH',
  'INVALID_FIELD',
]);

export interface PaymentWorkerOptions {
  payments: PaymentRepository;
  orders: Pick<OrderServiceClient, 'markOrderPaid'>;
  /** How long the simulated charge takes. */
  processingMs: number;
  /**
   * How long a claim on a payment lasts unless renewed, every third of it: the longest a payment
   * waits after the death of its instance. Default 1500.
   */
  claimMs?: number;
  /** Payments worked on at once; more are refused, abandoned ones left to others. Default 1000. */
  maxActive?: number;
  /** Default: silent. */
  log?: Log;
}

/**
 * Takes payments from PROCESSING to COMPLETED or FAILED: those its own instance accepted, and those
 * whose instance died or gave them up. Every step can be taken twice without harm, by any instance,
 * so a crash between any two of them loses nothing and charges nothing twice.
 */
export class PaymentWorker {
  /** In whose name payments must be accepted to be given to `take`. New at each start. */
  readonly claim: Claim;
  readonly #payments: PaymentRepository;
  readonly #orders: Pick<OrderServiceClient, 'markOrderPaid'>;
  readonly #processingMs: number;
  readonly #maxActive: number;
  readonly #log: Log;
  readonly #active = new Map<string, Promise<void>>();
  /** Payments that the database is about to store; each may come to `take`. */
  #expected = 0;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: PaymentWorkerOptions) {
    const { payments, orders, processingMs, claimMs = 1500, maxActive = 1000 } = options;
    this.claim = { worker: randomUUID(), leaseMs: claimMs };
    this.#payments = payments;
    this.#orders = orders;
    this.#processingMs = processingMs;
    this.#maxActive = maxActive;
    this.#log = options.log ?? silentLog;
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Picks up abandoned payments, now and from now on, until `stop`. */
  start(): void {
    const sweep = () => {
      // If the last sweep still waits for the database, this one is skipped.
      this.#sweeping ??= this.#sweep().finally(() => {
        this.#sweeping = undefined;
      });
    };
    sweep();
    this.#timer = setInterval(sweep, this.claim.leaseMs / 3).unref();
  }

  /** Whether one more payment may be accepted. */
  get hasRoom(): boolean {
    const isFull = this.#active.size + this.#expected >= this.#maxActive;
    return !isFull && !this.#stopping.signal.aborted;
  }

  /** Keeps room for one payment while `accept` stores it and gives it to `take`. Check `hasRoom` before. */
  async keepRoom<T>(accept: () => Promise<T>): Promise<T> {
    this.#expected += 1;
    try {
      return await accept();
    } finally {
      this.#expected -= 1;
    }
  }

  /** Works on a payment that is PROCESSING and claimed in this worker's name. Never throws. */
  take(payment: Payment): void {
    const { id } = payment;
    if (this.#active.has(id)) return;
    // An accepted payment goes on when the caller that brought it is gone.
    const work = withoutCall(() => this.#work(payment))
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted) return;
        this.#log.error({ err: error, payment: id }, 'work on a payment broke off; it is retried');
      })
      .finally(() => this.#active.delete(id));
    this.#active.set(id, work);
  }

  /**
   * Answers a payment once it is final, whichever instance works on it; undefined when there is none.
   * @throws the signal's reason when that aborts first; the payment goes on all the same.
   */
  async waitForEnd(id: string, signal: AbortSignal): Promise<Payment | undefined> {
    for (;;) {
      const payment = this.#payments.get(id);
      if (payment?.status !== PaymentStatus.PAYMENT_STATUS_PROCESSING) return payment;
      const own = this.#active.get(id);
      await (own === undefined ? sleep(POLL_MS, undefined, { signal }) : abortable(own, signal));
    }
  }

  /** Breaks off what is in work, for another instance or the next start to take up, and ends. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    this.#payments.stopWaiting();
    await this.#sweeping;
    const unfinished = [...this.#active.keys()];
    await Promise.all(this.#active.values());
    await this.#payments.release(unfinished, this.claim.worker).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'claims were not given up; they end by themselves');
    });
  }

  async #sweep(): Promise<void> {
    try {
      await this.#payments.renew([...this.#active.keys()], this.claim);
      const abandoned = await this.#payments.claimAbandoned(
        this.claim,
        this.#maxActive - this.#active.size,
      );
      for (const payment of abandoned) {
        this.#log.info({ payment: payment.id }, 'taking up an abandoned payment');
        this.take(payment);
      }
    } catch (error) {
      this.#log.error({ err: error }, 'could not look for abandoned payments; trying again');
    }
  }

  async #work(payment: Payment): Promise<void> {
    const { id } = payment;
    const { worker } = this.claim;
    const { signal } = this.#stopping;
    if (!this.#payments.isCharged(id)) await sleep(this.#processingMs, undefined, { signal });
    // False: another instance has taken the payment over, so it is no longer ours to move.
    if (!(await this.#payments.charge(id, worker))) return;
    const refusal = await this.#markOrderPaid(payment);
    if (refusal === undefined) await this.#payments.complete(id, worker);
    else await this.#payments.fail(id, worker, refusal);
  }

  /** Answers why the order cannot be paid, undefined when it is; goes on until it knows. */
  async #markOrderPaid({ id, orderId, amount }: Payment): Promise<string | undefined> {
    const { signal } = this.#stopping;
    const waits = retryWaits(Math.random);
    for (;;) {
      try {
        await this.#orders.markOrderPaid({ orderId, paymentId: id, amount }, { signal });
        return undefined;
      } catch (error) {
        const failure = callFailure(error);
        if (failure === undefined) throw error;
        const { reason, details } = failure;
        if (refusals.has(reason)) return `${reason}: ${details}`;
        this.#log.warn({ payment: id, order: orderId, details }, 'order not marked paid; retrying');
      }
      await sleep(waits.next().value, undefined, { signal });
    }
  }
}
