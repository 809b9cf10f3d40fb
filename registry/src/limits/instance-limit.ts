import { resourceExhausted } from '@weft/proto';
import type { Catalog } from '../store/catalog.ts';

/**
 * Bounds the instances of each service. Counts those listed and those this registry is about to list,
 * so that many at once do not pass together; other replicas on the same store are seen only when
 * their instances are listed, and may let a few more in.
 */
export class InstanceLimit {
  readonly #catalog: Pick<Catalog, 'instances' | 'get'>;
  readonly #max: number;
  readonly #onRefused: () => void;
  /** Ids under way by service. */
  readonly #admitted = new Map<string, Map<string, number>>();

  /**
   * @param max per service; 0 for no limit
   * @param onRefused told of each instance that is one too many
   */
  constructor(catalog: Pick<Catalog, 'instances' | 'get'>, max: number, onRefused: () => void) {
    this.#catalog = catalog;
    this.#max = max;
    this.#onRefused = onRefused;
  }

  /**
   * Lets an instance be written; one listed already always may. Dispose of the answer once it is
   * written, or is not going to be.
   * @throws RESOURCE_EXHAUSTED, reason TOO_MANY_INSTANCES
   */
  admit(service: string, id: string): Disposable {
    if (this.#max > 0 && this.#catalog.get(service, id) === undefined) {
      if (this.#count(service, id) >= this.#max) {
        this.#onRefused();
        throw resourceExhausted(
          `'${service}' has ${this.#max} instances, as many as this registry takes of one service; deregister some first`,
          {
            reason: 'TOO_MANY_INSTANCES',
            metadata: { service, max_instances: `${this.#max}` },
            retryAfterMs: 10_000,
          },
        );
      }
    }
    const underWay = this.#admitted.get(service) ?? new Map<string, number>();
    this.#admitted.set(service, underWay.set(id, (underWay.get(id) ?? 0) + 1));
    return { [Symbol.dispose]: () => this.#release(service, id) };
  }

  /** Those of a service that are listed or about to be, apart from `id`. */
  #count(service: string, id: string): number {
    const listed = this.#catalog.instances(service).length;
    const underWay = this.#admitted.get(service);
    if (underWay === undefined || listed + underWay.size < this.#max) return listed;
    const isNew = (other: string) =>
      other !== id && this.#catalog.get(service, other) === undefined;
    return listed + [...underWay.keys()].filter(isNew).length;
  }

  #release(service: string, id: string): void {
    const underWay = this.#admitted.get(service);
    const left = (underWay?.get(id) ?? 1) - 1;
    if (left > 0) underWay?.set(id, left);
    else underWay?.delete(id);
    if (underWay?.size === 0) this.#admitted.delete(service);
  }
}
