import { StoreError } from '../errors.ts';
import type { EtcdClient, KeepAliveStream } from './etcd-client.ts';

const ANSWER_MS = 2000;

const stopping = () => new StoreError('unavailable', 'this registry is stopping');

interface Renewal extends PromiseWithResolvers<number> {
  /** On the clock of `performance.now()`. */
  deadlineMs: number;
}

/** Renews any number of leases over one stream to etcd, each answer matched to its lease. */
export class EtcdKeepAlive {
  readonly #client: EtcdClient;
  /** Renewals under way, the oldest first: it is the first to be due. */
  readonly #renewals = new Map<bigint, Renewal>();
  /** One for all of them, however many come and go: it looks at the oldest. */
  #timer: NodeJS.Timeout | undefined;
  #stream: KeepAliveStream | undefined;
  /** Streams that ended since one of them answered. */
  #failures = 0;
  #isClosed = false;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  /**
   * Answers the seconds each lease now has, in order; 0 for one unknown or expired.
   * @throws StoreError `unavailable` when etcd does not answer for all of them in 2 s.
   */
  async renew(leaseIds: readonly bigint[]): Promise<number[]> {
    if (this.#isClosed) throw stopping();
    return Promise.all(leaseIds.map((leaseId) => this.#renewOne(leaseId)));
  }

  close(): void {
    this.#isClosed = true;
    this.#fail(stopping());
  }

  #renewOne(leaseId: bigint): Promise<number> {
    const running = this.#renewals.get(leaseId);
    if (running !== undefined) return running.promise;
    const stream = this.#open();
    const deadlineMs = performance.now() + ANSWER_MS;
    const renewal: Renewal = { ...Promise.withResolvers<number>(), deadlineMs };
    this.#renewals.set(leaseId, renewal);
    if (this.#timer === undefined) this.#lookIn(ANSWER_MS);
    stream.renew(leaseId);
    return renewal.promise;
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, ms);
    this.#timer.unref();
  }

  /** Fails what is overdue, or waits until the oldest renewal is. */
  #look(): void {
    const [oldest] = this.#renewals.values();
    if (oldest === undefined) return;
    const leftMs = oldest.deadlineMs - performance.now();
    if (leftMs > 0) {
      this.#lookIn(Math.ceil(leftMs));
    } else {
      const message = `etcd did not renew a lease within ${ANSWER_MS} ms`;
      this.#fail(new StoreError('unavailable', message));
    }
  }

  #open(): KeepAliveStream {
    if (this.#stream !== undefined) return this.#stream;
    const stream = this.#client.keepAlive({
      renewed: (leaseId, ttlSeconds) => {
        const renewal = this.#renewals.get(leaseId);
        if (renewal === undefined) return;
        this.#failures = 0;
        this.#renewals.delete(leaseId);
        renewal.resolve(Math.max(0, ttlSeconds));
      },
      // A stream given up before has no say over the one in use.
      ended: (error) => {
        if (this.#stream === stream) this.#ended(error);
      },
    });
    this.#stream = stream;
    return stream;
  }

  /** The stream broke: what waits goes on at the next member, until each has had its turn. */
  #ended(error: Error): void {
    this.#failures += 1;
    if (this.#renewals.size === 0 || this.#failures >= this.#client.memberCount) {
      this.#failures = 0;
      this.#fail(error);
      return;
    }
    this.#stream = undefined;
    const stream = this.#open();
    for (const leaseId of this.#renewals.keys()) stream.renew(leaseId);
  }

  /** Gives up the stream and every renewal on it; the next renewal opens another. */
  #fail(error: Error): void {
    this.#stream?.close();
    this.#stream = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const failed = [...this.#renewals.values()];
    this.#renewals.clear();
    for (const { reject } of failed) reject(error);
  }
}
