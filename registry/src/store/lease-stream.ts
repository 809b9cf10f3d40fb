import { StoreError } from '../errors.ts';
import type { EtcdClient, KeepAliveStream } from './etcd-client.ts';

/** How long a renewal may take, in ms. */
export const RENEWAL_MS = 2000;
/** How long the stream may make no progress before the lease at its head is looked at, in ms. */
const STUCK_MS = 300;

interface Renewal extends PromiseWithResolvers<number> {
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
}

export const overdue = () =>
  new StoreError('unavailable', `etcd did not renew a lease within ${RENEWAL_MS} ms`);

/**
 * Renews leases over one keepalive stream of etcd, each answer matched to its lease.
 *
 * etcd serves a stream one renewal after the other. The renewal of a lease that has expired waits
 * until etcd revokes the lease, and all renewals behind it wait too
 * (https://github.com/etcd-io/etcd/blob/v3.4.23/lease/lessor.go, `Renew`). If the stream makes no
 * progress, the lease at its head is therefore looked at. If it has expired, its renewal ends with
 * 0, and the others go on over another stream.
 */
export class LeaseStream {
  readonly #client: Pick<EtcdClient, 'keepAlive' | 'memberCount' | 'secondsLeft'>;
  /**
   * Renewals under way, the oldest first: it is the head of the stream, and the first to be due.
   */
  readonly #renewals = new Map<bigint, Renewal>();
  #stream: KeepAliveStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer is due. */
  #checkAtMs = 0;
  /** When etcd last answered, or the stream was opened. */
  #progressMs = 0;
  /** Whether the renewals were moved to another stream since etcd last answered. */
  #isMoved = false;
  #isLooking = false;
  /** Streams that ended since one of them answered. */
  #failures = 0;

  constructor(client: Pick<EtcdClient, 'keepAlive' | 'memberCount' | 'secondsLeft'>) {
    this.#client = client;
  }

  /**
   * Renews a lease.
   * @param askedMs when the renewal was asked for, on the clock of `performance.now()`
   * @returns the seconds that the lease has now; 0 if it is unknown or expired
   * @throws StoreError `unavailable` if etcd does not answer within 2 s
   */
  renew(leaseId: bigint, askedMs: number): Promise<number> {
    const running = this.#renewals.get(leaseId);
    if (running !== undefined) return running.promise;
    const stream = this.#open();
    if (this.#renewals.size === 0) this.#progressMs = performance.now();
    const renewal = { ...Promise.withResolvers<number>(), deadlineMs: askedMs + RENEWAL_MS };
    this.#renewals.set(leaseId, renewal);
    if (this.#timer === undefined) this.#checkIn(STUCK_MS);
    stream.renew(leaseId);
    return renewal.promise;
  }

  /** Ends the renewal of a lease that was found to have expired. */
  expired(leaseId: bigint): void {
    this.#settle(leaseId, 0);
  }

  /** Gives up the stream and every renewal on it; the next renewal opens another stream. */
  fail(error: Error): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#stopTimer();
    const failed = [...this.#renewals.values()];
    this.#renewals.clear();
    for (const { reject } of failed) reject(error);
  }

  #open(): KeepAliveStream {
    if (this.#stream !== undefined) return this.#stream;
    this.#progressMs = performance.now();
    const stream = this.#client.keepAlive({
      renewed: (leaseId, ttlSeconds) => {
        if (this.#stream !== stream) return;
        this.#failures = 0;
        this.#isMoved = false;
        this.#progressMs = performance.now();
        this.#settle(leaseId, Math.max(0, ttlSeconds));
      },
      // A stream given up before has no say over the one in use.
      ended: (error) => {
        if (this.#stream === stream) this.#ended(error);
      },
    });
    this.#stream = stream;
    return stream;
  }

  #settle(leaseId: bigint, ttlSeconds: number): void {
    this.#renewals.get(leaseId)?.resolve(ttlSeconds);
    this.#renewals.delete(leaseId);
    if (this.#renewals.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Looks whether the stream makes progress, and fails what is overdue. */
  #check(): void {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#checkAtMs;
    this.#checkIn(STUCK_MS);
    // This process stood still: answers may wait to be read.
    if (lateMs > STUCK_MS) return;
    const isStuck = nowMs - this.#progressMs >= STUCK_MS;
    const due = [...this.#renewals].filter(([, { deadlineMs }]) => deadlineMs <= nowMs);
    if (due.length > 0 && isStuck) {
      this.fail(overdue());
      return;
    }
    for (const [leaseId, { reject }] of due) {
      this.#renewals.delete(leaseId);
      reject(overdue());
    }
    const [head] = this.#renewals.keys();
    if (head === undefined) this.#stopTimer();
    else if (isStuck && !this.#isLooking) void this.#look(head);
  }

  #checkIn(ms: number): void {
    this.#checkAtMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#check(), ms).unref();
  }

  /**
   * Finds out why the stream makes no progress: its head has expired, or the member does not
   * answer.
   */
  async #look(head: bigint): Promise<void> {
    const stream = this.#stream;
    const progressMs = this.#progressMs;
    this.#isLooking = true;
    const seconds = await this.#client.secondsLeft(head).catch(() => undefined);
    this.#isLooking = false;
    const hasMoved = this.#stream !== stream || this.#progressMs !== progressMs;
    // Within a second of its end it cannot be told whether a lease has expired: look again later.
    if (seconds === undefined || seconds === 0 || hasMoved) return;
    if (seconds < 0) {
      this.#settle(head, 0);
      this.#move();
    } else if (!this.#isMoved) {
      this.#isMoved = true;
      this.#move();
    }
  }

  /** Goes on over another stream, at the next member. */
  #move(): void {
    this.#stream?.close();
    this.#stream = undefined;
    if (this.#renewals.size === 0) return;
    const stream = this.#open();
    for (const leaseId of this.#renewals.keys()) stream.renew(leaseId);
  }

  /** The stream broke: what waits goes on at the next member, until each has had its turn. */
  #ended(error: Error): void {
    this.#failures += 1;
    if (this.#renewals.size === 0 || this.#failures >= this.#client.memberCount) {
      this.#failures = 0;
      this.fail(error);
    } else {
      this.#move();
    }
  }
}
