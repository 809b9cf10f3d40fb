import { StoreError } from '../errors.ts';
import type { EtcdClient } from './etcd-client.ts';

const ANSWER_MS = 2000;

interface Renewal extends PromiseWithResolvers<number> {
  timer: NodeJS.Timeout;
}

type Stream = Awaited<ReturnType<EtcdClient['keepAlive']>>;

/** Renews any number of leases over one stream to etcd, each answer matched to its lease. */
export class EtcdKeepAlive {
  readonly #client: EtcdClient;
  readonly #renewals = new Map<bigint, Renewal>();
  #stream: Promise<Stream> | undefined;
  /** Streams that ended since one of them answered. */
  #failures = 0;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  /**
   * Answers the seconds each lease now has, in order; 0 for one unknown or expired.
   * @throws StoreError `unavailable` when etcd does not answer for all of them in 2 s.
   */
  async renew(leaseIds: readonly bigint[]): Promise<number[]> {
    const stream = await this.#open();
    return Promise.all(leaseIds.map((leaseId) => this.#renewOne(stream, leaseId)));
  }

  close(): void {
    this.#fail(new StoreError('unavailable', 'this registry is stopping'));
  }

  #renewOne(stream: Stream, leaseId: bigint): Promise<number> {
    const running = this.#renewals.get(leaseId);
    if (running !== undefined) return running.promise;
    const timer = setTimeout(() => {
      this.#fail(
        new StoreError('unavailable', `etcd did not renew a lease within ${ANSWER_MS} ms`),
      );
    }, ANSWER_MS);
    const renewal: Renewal = { ...Promise.withResolvers<number>(), timer };
    this.#renewals.set(leaseId, renewal);
    stream.renew(leaseId);
    return renewal.promise;
  }

  async #open(): Promise<Stream> {
    if (this.#stream !== undefined) return this.#stream;
    const opening = this.#client.keepAlive({
      renewed: (leaseId, ttlSeconds) => {
        const renewal = this.#renewals.get(leaseId);
        if (renewal === undefined) return;
        this.#failures = 0;
        this.#renewals.delete(leaseId);
        clearTimeout(renewal.timer);
        renewal.resolve(Math.max(0, ttlSeconds));
      },
      // A stream given up before has no say over the one in use.
      ended: (error) => {
        if (this.#stream === opening) this.#ended(error);
      },
    });
    this.#stream = opening;
    try {
      return await opening;
    } catch (error) {
      if (this.#stream === opening) this.#stream = undefined;
      throw error;
    }
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
    this.#open().then(
      (stream) => {
        for (const leaseId of this.#renewals.keys()) stream.renew(leaseId);
      },
      (cause) => this.#fail(cause),
    );
  }

  /** Gives up the stream and every renewal on it; the next renewal opens another. */
  #fail(error: Error): void {
    this.#stream?.then((stream) => stream.close()).catch(() => {});
    this.#stream = undefined;
    for (const { timer, reject } of this.#renewals.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#renewals.clear();
  }
}
