import type { PublishArchitectureRequest } from '@weft/proto/architecture';

/** What was published, and when. */
export interface Publication extends PublishArchitectureRequest {
  readonly time: Date;
}

/** The architecture of the mesh as it was last published to this registry. */
export class ArchitectureBook {
  readonly #listeners = new Set<() => void>();
  #latest: Publication | undefined;

  /** Undefined until there is one. */
  get latest(): Publication | undefined {
    return this.#latest;
  }

  /** Takes what is published, which must have been checked. */
  publish(request: PublishArchitectureRequest): void {
    this.#latest = { ...request, time: new Date() };
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` when there is a new one; the answer ends that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
