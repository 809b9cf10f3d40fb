import type { Endpoint } from './endpoint.ts';
import type { PickRequest, Strategy, StrategyEnvironment, StrategyFactory } from './strategy.ts';

/**
 * Envoy's overprovisioning factor: a zone is taken to have 40 % to spare, so that calls leave it only
 * when fewer than 1 / 1.4 = 71 % of its instances are usable.
 */
const OVERPROVISIONING = 1.4;

/** The endpoints of the client's own zone, or all the others. */
class Side {
  readonly strategy: Strategy;
  /** Those the strategy knows. */
  readonly usable = new Set<Endpoint>();
  /** Those that the registry lists for calls, usable or not. */
  readonly listed = new Set<Endpoint>();

  constructor(strategy: Strategy) {
    this.strategy = strategy;
  }

  /** Share of its own traffic that it can carry, 0 to 1. */
  get capacity(): number {
    if (this.usable.size === 0) return 0;
    // More can be usable than are listed where nobody tells what is listed.
    const listed = Math.max(this.listed.size, this.usable.size);
    return Math.min(1, (OVERPROVISIONING * this.usable.size) / listed);
  }
}

/**
 * Prefers endpoints of the client's own zone, each side under a strategy of its own. As the share of
 * usable ones among those listed in the zone falls, calls spill over in proportion, as between
 * Envoy's priority levels; a side that has none for a call leaves it to the other.
 *
 * It needs `listed` and `unlisted` to tell a small zone from a broken one; without them, calls leave
 * the zone only when nothing there is usable.
 */
export class ZoneAware implements Strategy {
  readonly #zone: string;
  readonly #own: Side;
  readonly #others: Side;
  readonly #random: () => number;

  /**
   * @param zone the client's own; not empty
   * @param createInner makes the strategy of each side
   */
  constructor(zone: string, createInner: StrategyFactory, environment: StrategyEnvironment) {
    this.#zone = zone;
    this.#own = new Side(createInner(environment));
    this.#others = new Side(createInner(environment));
    this.#random = environment.random;
  }

  get isSticky(): boolean {
    return this.#own.strategy.isSticky ?? false;
  }

  listed(endpoint: Endpoint): void {
    this.#sideByZone(endpoint).listed.add(endpoint);
  }

  unlisted(endpoint: Endpoint): void {
    this.#own.listed.delete(endpoint);
    this.#others.listed.delete(endpoint);
  }

  add(endpoint: Endpoint): void {
    const side = this.#sideByZone(endpoint);
    side.usable.add(endpoint);
    side.strategy.add(endpoint);
  }

  remove(endpoint: Endpoint): void {
    const side = this.#sideOf(endpoint);
    side.usable.delete(endpoint);
    side.strategy.remove(endpoint);
  }

  weightChanged(endpoint: Endpoint): void {
    this.#sideOf(endpoint).strategy.weightChanged?.(endpoint);
  }

  pick(request: PickRequest): Endpoint | undefined {
    const isForOwn = this.#isForOwn();
    const first = isForOwn ? this.#own : this.#others;
    const second = isForOwn ? this.#others : this.#own;
    return first.strategy.pick(request) ?? second.strategy.pick(request);
  }

  started(endpoint: Endpoint): void {
    this.#sideOf(endpoint).strategy.started?.(endpoint);
  }

  ended(endpoint: Endpoint): void {
    this.#sideOf(endpoint).strategy.ended?.(endpoint);
  }

  #isForOwn(): boolean {
    const own = this.#own.capacity;
    if (own === 1) return true;
    // What neither side can carry is shared between them as the rest is.
    const total = Math.min(1, own + this.#others.capacity);
    return this.#random() * total < own;
  }

  #sideByZone({ instance }: Endpoint): Side {
    return instance.zone === this.#zone ? this.#own : this.#others;
  }

  /** Where it was added; its zone may read otherwise since. */
  #sideOf(endpoint: Endpoint): Side {
    return this.#own.usable.has(endpoint) ? this.#own : this.#others;
  }
}
