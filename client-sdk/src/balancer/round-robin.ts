import type { Endpoint } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import type { PickRequest, Strategy, StrategyEnvironment } from './strategy.ts';

/** Each in turn, from a random start, so that many clients do not begin with the same one. */
export class RoundRobin implements Strategy {
  readonly #endpoints = new IndexedList<Endpoint>();
  #next: number;

  constructor({ random }: Pick<StrategyEnvironment, 'random'>) {
    this.#next = Math.floor(random() * 1_000_000);
  }

  add(endpoint: Endpoint): void {
    this.#endpoints.add(endpoint);
  }

  remove(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint);
  }

  pick(request: PickRequest): Endpoint | undefined {
    this.#next = (this.#next + 1) % Number.MAX_SAFE_INTEGER;
    return this.#endpoints.firstFrom(this.#next, request);
  }
}
