import type { Endpoint } from './endpoint.ts';
import { IndexedHeap } from './indexed-heap.ts';
import { SlotTable } from './slot-table.ts';
import type { PickRequest, Strategy, StrategyEnvironment } from './strategy.ts';

/** Stands in for a weight of 0, which the balancer keeps away from strategies. */
const LEAST_WEIGHT = 1e-6;
/** Virtual time starts again from here, so that short periods are not lost in rounding. */
const LATEST_TIME = 2 ** 20;

/**
 * As often as its weight says, and evenly spread: earliest deadline first, as in Envoy's `EdfScheduler`
 * and gRFC A58. An endpoint is due once in each period of 1/weight of a virtual time, which moves to
 * the deadline of whatever was picked. O(log n) a pick, and for each endpoint passed over as excluded.
 *
 * One that is passed over keeps its turn, but no more than one.
 */
export class WeightedRoundRobin implements Strategy {
  readonly #endpoints = new SlotTable<Endpoint>();
  /** Deadlines by slot. */
  readonly #due = new IndexedHeap();
  /** By slot. */
  readonly #periods: number[] = [];
  readonly #random: () => number;
  #time = 0;

  constructor({ random }: Pick<StrategyEnvironment, 'random'>) {
    this.#random = random;
  }

  /** It is due within its first period, at random, so that clients do not all begin with the same. */
  add(endpoint: Endpoint): void {
    if (this.#endpoints.slotOf(endpoint) !== undefined) return;
    const slot = this.#endpoints.add(endpoint);
    const period = periodOf(endpoint);
    this.#periods[slot] = period;
    this.#due.push(slot, this.#time + this.#random() * period);
  }

  remove(endpoint: Endpoint): void {
    const slot = this.#endpoints.delete(endpoint);
    if (slot !== undefined) this.#due.remove(slot);
  }

  /** What was left of its period is left of the new one. */
  weightChanged(endpoint: Endpoint): void {
    const slot = this.#endpoints.slotOf(endpoint);
    if (slot === undefined) return;
    const period = periodOf(endpoint);
    const share = (this.#due.keyOf(slot) - this.#time) / (this.#periods[slot] as number);
    this.#periods[slot] = period;
    this.#due.update(slot, this.#time + Math.max(0, share) * period);
  }

  pick(request: PickRequest): Endpoint | undefined {
    const slot = this.#due.top;
    if (slot < 0) return undefined;
    const endpoint = this.#endpoints.at(slot);
    if (request.isExcluded(endpoint)) return this.#pickPast(request);
    this.#take(slot);
    return endpoint;
  }

  /** Lifts the excluded ones off the heap until one that is not comes up, and puts them back. */
  #pickPast(request: PickRequest): Endpoint | undefined {
    const excluded: { slot: number; deadline: number }[] = [];
    let picked: Endpoint | undefined;
    while (picked === undefined && this.#due.size > 0) {
      const slot = this.#due.top;
      const endpoint = this.#endpoints.at(slot);
      if (request.isExcluded(endpoint)) {
        excluded.push({ slot, deadline: this.#due.keyOf(slot) });
        this.#due.remove(slot);
      } else {
        picked = endpoint;
      }
    }
    const top = this.#due.top;
    for (const { slot, deadline } of excluded) this.#due.push(slot, deadline);
    if (picked !== undefined) this.#take(top);
    return picked;
  }

  #take(slot: number): void {
    const deadline = this.#due.keyOf(slot);
    const period = this.#periods[slot] as number;
    if (deadline > this.#time) this.#time = deadline;
    this.#due.update(slot, Math.max(deadline, this.#time - period) + period);
    if (this.#time < LATEST_TIME) return;
    this.#due.lower(this.#time);
    this.#time = 0;
  }
}

function periodOf(endpoint: Endpoint): number {
  return 1 / Math.max(endpoint.weight, LEAST_WEIGHT);
}
