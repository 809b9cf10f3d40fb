import type { BreakerOrder, OrderBreakerRequest } from '@weft/proto/telemetry';

/** Clients report far more often; one that says nothing for so long does not hear of an order, in ms. */
const LIFE_MS = 30_000;
/** Orders held; the oldest go first. */
const MOST = 1000;

interface HeldOrder extends OrderBreakerRequest {
  readonly id: string;
  readonly at: number;
}

/** What clients are to do with their breakers, until they have surely been told. Pure, and bounded. */
export class OrderBook {
  readonly #now: () => number;
  readonly #newId: () => string;
  /** By whom and what they are for: the latest takes the place of the one before. */
  readonly #orders = new Map<string, HeldOrder>();

  /** @param now monotonic, in ms */
  constructor(newId: () => string, now: () => number = () => performance.now()) {
    this.#newId = newId;
    this.#now = now;
  }

  add(request: OrderBreakerRequest): void {
    const key = [request.service, request.instanceId, request.callerInstanceId].join('\n');
    this.#orders.delete(key);
    this.#orders.set(key, { ...request, id: this.#newId(), at: this.#now() });
    const [oldest] = this.#orders.keys();
    if (this.#orders.size > MOST && oldest !== undefined) this.#orders.delete(oldest);
  }

  /** The orders for a client, the oldest first. */
  ordersFor(callerInstanceId: string): BreakerOrder[] {
    if (this.#orders.size === 0) return [];
    const since = this.#now() - LIFE_MS;
    for (const [key, { at }] of this.#orders) if (at <= since) this.#orders.delete(key);
    return [...this.#orders.values()]
      .filter((order) => ['', callerInstanceId].includes(order.callerInstanceId))
      .map(({ id, service, instanceId, state }) => ({ id, service, instanceId, state }));
  }
}
