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

  /** By id, the one that asks among them; none before it has joined. */
  get live(): readonly Replica[] {
    return this.#live;
  }

  set(replicas: readonly Replica[]): void {
    const sorted = [...replicas].sort((a, b) => (a.id < b.id ? -1 : 1));
    if (textOf(sorted) === textOf(this.#live)) return;
    this.#live = sorted;
    for (const listener of this.#listeners) listener();
  }

  /** Tells `listener` of every change from now on; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
