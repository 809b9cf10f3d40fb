import type { Endpoint } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import type { PickRequest, Strategy, StrategyEnvironment } from './strategy.ts';

/** Any of them, each as likely as the others. */
export class RandomStrategy implements Strategy {
  readonly #endpoints = new IndexedList<Endpoint>();
  readonly #random: () => number;

  constructor({ random }: Pick<StrategyEnvironment, 'random'>) {
    this.#random = random;
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
  }

  remove(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
  }

  pick(request: PickRequest): Endpoint | undefined {
    const start = Math.floor(this.#random() * this.#endpoints.size);
    return this.#endpoints.firstFrom(start, request);
  }
}
