import type { Endpoint } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import type { Strategy } from './strategy.ts';

/** Any of them, each as likely as the others. */
export class RandomStrategy implements Strategy {
  readonly #endpoints = new IndexedList<Endpoint>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
  }

  remove(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
  }

  pick(isExcluded: (endpoint: Endpoint) => boolean): Endpoint | undefined {
    const start = Math.floor(this.#random() * this.#endpoints.size);
    return this.#endpoints.firstFrom(start, isExcluded);
  }
}
