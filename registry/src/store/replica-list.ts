/** One registry of those that share a store. */
export interface Replica {
  /** A UUID, another for each run. */
  readonly id: string;
  /** `host:port` at which the others reach it. */
  readonly address: string;
  readonly startTime: Date;
}

const textOf = (replicas: readonly Replica[]) =>
  replicas.map(({ id, address }) => `${id}@${address}`).join();

/** The registries that share a store and live, as one of them knows them. */
export class ReplicaList {
  readonly #listeners = new Set<() => void>();
  #live: readonly Replica[] = [];
  #doubtedUntilMs = 0;
  #leftAtMs = Number.NEGATIVE_INFINITY;

  /** By id, the one that asks among them; none before it has joined. */
  get live(): readonly Replica[] {
    return this.#live;
  }

  /** Whether there may be replicas that are not listed, having lost their place and not taken it again. */
  get isInDoubt(): boolean {
    return performance.now() < this.#doubtedUntilMs;
  }

  /** When the last replica left, on the clock of `performance.now()`; -Infinity if none has. */
  get leftAtMs(): number {
    return this.#leftAtMs;
  }

  doubt(forMs: number): void {
    this.#doubtedUntilMs = performance.now() + forMs;
  }

  set(replicas: readonly Replica[]): void {
    const sorted = [...replicas].sort((a, b) => (a.id < b.id ? -1 : 1));
    if (textOf(sorted) === textOf(this.#live)) return;
    const ids = new Set(sorted.map(({ id }) => id));
    if (this.#live.some(({ id }) => !ids.has(id))) this.#leftAtMs = performance.now();
    this.#live = sorted;
    for (const listener of this.#listeners) listener();
  }

  /** Tells `listener` of every change from now on; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
