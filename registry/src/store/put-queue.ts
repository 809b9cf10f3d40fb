import type { ConditionalPut, PutOutcome } from './etcd-put.ts';

/** Puts in one transaction; etcd takes 128 operations by default, and a put within one counts twice. */
const MAX_PUTS = 64;
/** What they come to at most, in characters; etcd refuses requests over 1.5 MiB. */
const MAX_LENGTH = 256 * 1024;

interface Waiting extends PromiseWithResolvers<PutOutcome> {
  put: ConditionalPut;
}

/**
 * Sends a put to etcd at once while none is under way, and gathers those that come meanwhile into one
 * transaction: a commit costs about the same for one as for sixty. What is written in one transaction
 * has one revision.
 */
export class PutQueue {
  readonly #write: (puts: readonly ConditionalPut[]) => Promise<PutOutcome[]>;
  #waiting: Waiting[] = [];
  #isRunning = false;

  /** `write` answers for each put; the keys that it gets at once differ. */
  constructor(write: (puts: readonly ConditionalPut[]) => Promise<PutOutcome[]>) {
    this.#write = write;
  }

  /** Fails as the transaction does that the put was in: it may have been written then. */
  put(put: ConditionalPut): Promise<PutOutcome> {
    const waiting = { ...Promise.withResolvers<PutOutcome>(), put };
    this.#waiting.push(waiting);
    if (!this.#isRunning) void this.#run();
    return waiting.promise;
  }

  /** One transaction after the other, until nothing waits. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const outcomes = await this.#write(batch.map(({ put }) => put));
        for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index] as PutOutcome);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isRunning = false;
  }

  /** The oldest that fit into a transaction; a second put of a key waits for the first. */
  #take(): Waiting[] {
    const taken = new Map<string, Waiting>();
    const left: Waiting[] = [];
    let length = 0;
    for (const waiting of this.#waiting) {
      const { key, value } = waiting.put;
      const isFull =
        taken.size >= MAX_PUTS || (taken.size > 0 && length + value.length > MAX_LENGTH);
      if (isFull || taken.has(key)) {
        left.push(waiting);
        continue;
      }
      length += value.length;
      taken.set(key, waiting);
    }
    this.#waiting = left;
    return [...taken.values()];
  }
}
