import type { Endpoint } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import type { PickRequest, Strategy, StrategyEnvironment } from './strategy.ts';

/**
 * One with the fewest calls in flight, exactly; a random one of several. Endpoints are kept in
 * buckets by their count, and a call moves its endpoint to the neighbouring bucket: O(1) each. Empty
 * buckets are kept; there is one for each count up to the most calls one endpoint may have in flight.
 */
export class LeastConnections implements Strategy {
  readonly #buckets: IndexedList<Endpoint>[] = [];
  readonly #random: () => number;
  /** No bucket below this one holds an endpoint. */
  #lowest = 0;

  constructor({ random }: Pick<StrategyEnvironment, 'random'>) {
    this.#random = random;
  }

  add(endpoint: Endpoint): void {
    this.#bucket(endpoint.inFlight).add(endpoint);
    this.#lowest = Math.min(this.#lowest, endpoint.inFlight);
  }

  remove(endpoint: Endpoint): void {
    this.#bucket(endpoint.inFlight).delete(endpoint);
  }

  pick(request: PickRequest): Endpoint | undefined {
    while (this.#lowest < this.#buckets.length && this.#bucket(this.#lowest).size === 0) {
      this.#lowest += 1;
    }
    for (let count = this.#lowest; count < this.#buckets.length; count += 1) {
      const bucket = this.#bucket(count);
      const start = Math.floor(this.#random() * bucket.size);
      const endpoint = bucket.firstFrom(start, request);
      if (endpoint !== undefined) return endpoint;
    }
    this.#lowest = Math.min(this.#lowest, Math.max(0, this.#buckets.length - 1));
    return undefined;
  }

  started(endpoint: Endpoint): void {
    this.#move(endpoint, endpoint.inFlight - 1);
  }

  ended(endpoint: Endpoint): void {
    this.#move(endpoint, endpoint.inFlight + 1);
    this.#lowest = Math.min(this.#lowest, endpoint.inFlight);
  }

  #move(endpoint: Endpoint, from: number): void {
    if (this.#bucket(from).delete(endpoint)) this.#bucket(endpoint.inFlight).add(endpoint);
  }

  #bucket(count: number): IndexedList<Endpoint> {
    for (let missing = this.#buckets.length; missing <= count; missing += 1) {
      this.#buckets.push(new IndexedList());
    }
    return this.#buckets[count] as IndexedList<Endpoint>;
  }
}
