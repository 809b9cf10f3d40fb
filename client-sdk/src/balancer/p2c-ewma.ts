import type { Endpoint } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import type { PickRequest, Strategy, StrategyEnvironment } from './strategy.ts';

/** Below this a latency tells nothing, in ms: what is not measured yet goes by calls in flight. */
const RESOLUTION_MS = 0.001;

/**
 * The better of two drawn at random (Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing", 2001), by peak-EWMA latency times calls in flight and the one to come, as in Finagle's
 * `p2cPeakEwma` and tower's `balance::p2c`. See `PeakEwma` for what counts as latency.
 */
export class P2cEwma implements Strategy {
  readonly #endpoints = new IndexedList<Endpoint>();
  readonly #random: () => number;
  readonly #now: () => number;

  constructor({ now, random }: StrategyEnvironment) {
    this.#now = now;
    this.#random = random;
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
  }

  remove(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
  }

  pick(request: PickRequest): Endpoint | undefined {
    const { size } = this.#endpoints;
    if (size === 0) return undefined;
    const start = Math.floor(this.#random() * size);
    const one = this.#endpoints.firstFrom(start, request);
    if (one === undefined || size === 1) return one;
    // Any place but the first one's, so that the two are distinct unless one of them is excluded.
    const distance = 1 + Math.floor(this.#random() * (size - 1));
    const other = this.#otherThan(one, start + distance, request);
    if (other === undefined) return one;
    const now = this.#now();
    return cost(other, now) < cost(one, now) ? other : one;
  }

  #otherThan(one: Endpoint, start: number, request: PickRequest): Endpoint | undefined {
    for (let step = 0; step < this.#endpoints.size; step += 1) {
      const other = this.#endpoints.at(start + step);
      if (other !== one && !request.isExcluded(other)) return other;
    }
    return undefined;
  }
}

function cost(endpoint: Endpoint, now: number): number {
  return (endpoint.latency.latencyAt(now) + RESOLUTION_MS) * (endpoint.inFlight + 1);
}
