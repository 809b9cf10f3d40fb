import type { Instance } from '@weft/proto/registry';
import type { Breaker, BreakerState } from '../breaker/breaker.ts';
import { AverageLatency } from './average-latency.ts';
import type { BalancerListener, BalancerObserver } from './balancer-options.ts';
import { Endpoint } from './endpoint.ts';
import type { HealthMonitor } from './health-monitor.ts';
import type { MemberChanges } from './membership.ts';
import { PeakEwma } from './peak-ewma.ts';
import type { Placement } from './placement.ts';
import { beginSlowStart } from './slow-start.ts';

export interface EndpointSetOptions {
  now: () => number;
  placement: Placement;
  monitor: HealthMonitor;
  observer: BalancerObserver | undefined;
  /** Makes a breaker with the settings of now. */
  createBreaker: (onChange: (from: BreakerState, to: BreakerState) => void) => Breaker;
  slowStartMs: () => number;
  listener: () => BalancerListener | undefined;
}

/** The endpoints of the instances in use, each made with all that belongs to it and taken apart again. */
export class EndpointSet {
  readonly #options: EndpointSetOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #average = new AverageLatency();

  constructor(options: EndpointSetOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): IterableIterator<Endpoint> {
    return this.#endpoints.values();
  }

  /** Whether this very endpoint is in use still. */
  has(endpoint: Endpoint): boolean {
    return this.#endpoints.get(endpoint.instance.id) === endpoint;
  }

  /** @param isFirst these are the first that are known: none is newer than the others */
  apply({ entered, changed, left }: MemberChanges, isFirst: boolean): void {
    for (const id of left) this.#remove(id);
    for (const instance of entered) this.#add(instance, isFirst);
    for (const instance of changed) this.#update(instance);
  }

  /** Breakers with the settings of now take the place of all: closed, unless opened by hand. */
  replaceBreakers(): void {
    for (const endpoint of this) {
      const { state, isForced } = endpoint.breaker;
      endpoint.breaker.dispose();
      endpoint.breaker = this.#createBreaker(() => endpoint);
      if (isForced) endpoint.breaker.open();
      else if (state !== 'closed') this.#breakerChanged(endpoint, state, 'closed');
    }
  }

  clear(): void {
    for (const id of [...this.#endpoints.keys()]) this.#remove(id);
  }

  #add(instance: Instance, isFirst: boolean): void {
    const { now, placement, slowStartMs, listener } = this.#options;
    const at = now();
    const breaker = this.#createBreaker(() => endpoint);
    const endpoint = new Endpoint(instance, breaker, new PeakEwma(at, this.#average));
    const ageMs = Date.now() - (instance.startTime?.getTime() ?? Date.now());
    if (!isFirst) beginSlowStart(endpoint, at, ageMs, slowStartMs());
    this.#endpoints.set(instance.id, endpoint);
    placement.place(endpoint);
    listener()?.endpointAdded(endpoint);
  }

  #update(instance: Instance): void {
    const { placement } = this.#options;
    const endpoint = this.#endpoints.get(instance.id);
    if (endpoint === undefined) return;
    const { weight } = endpoint;
    endpoint.instance = instance;
    placement.place(endpoint);
    if (endpoint.weight !== weight) placement.weightChanged(endpoint);
  }

  #remove(id: string): void {
    const { placement, monitor, listener } = this.#options;
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    this.#endpoints.delete(id);
    placement.remove(endpoint);
    monitor.forget(endpoint);
    endpoint.breaker.dispose();
    listener()?.endpointRemoved(endpoint);
  }

  #createBreaker(owner: () => Endpoint): Breaker {
    return this.#options.createBreaker((from, to) => {
      this.#breakerChanged(owner(), from, to);
      this.#options.listener()?.picksChanged();
    });
  }

  #breakerChanged(endpoint: Endpoint, from: BreakerState, to: BreakerState): void {
    const { now, placement, monitor, observer } = this.#options;
    placement.place(endpoint);
    monitor.breakerChanged(endpoint, now());
    observer?.breakerChanged(endpoint, from, to);
  }
}
