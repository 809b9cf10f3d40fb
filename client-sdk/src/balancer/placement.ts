import type { Endpoint } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import type { PickRequest, Strategy } from './strategy.ts';

export interface PlacementLimits {
  /** Share of healthy endpoints below which the sidelined ones are used as well. */
  readonly panicThreshold: number;
  /** Attempts in flight at which an endpoint takes no more. */
  readonly maxInFlightPerInstance: number;
}

/** Where an endpoint stands, by its own state and nobody else's. */
interface Standing {
  /** The registry wants it to get calls. */
  isListed: boolean;
  /** Connected, its breaker closed, no statistics against it. */
  isHealthy: boolean;
}

/**
 * Which endpoints may be picked now. The strategies are told of each that comes and goes, one at a
 * time. When fewer than the panic threshold are healthy, those sidelined on statistics are used too:
 * when most are bad it is not them, and the rest could not carry the load (Envoy's panic mode).
 */
export class Placement {
  readonly #strategies: ReadonlyMap<string, Strategy>;
  readonly #standings = new Map<Endpoint, Standing>();
  readonly #pickable = new IndexedList<Endpoint>();
  readonly #sidelined = new IndexedList<Endpoint>();
  #resorts = 0;
  /** Endpoints that wait for the one probe of their half-open breaker. */
  readonly halfOpen = new IndexedList<Endpoint>();
  limits: PlacementLimits;
  #listed = 0;
  #healthy = 0;
  #isPanicking = false;

  constructor(strategies: ReadonlyMap<string, Strategy>, limits: PlacementLimits) {
    this.#strategies = strategies;
    this.limits = limits;
  }

  /** Endpoints that a strategy may choose. */
  get pickable(): Iterable<Endpoint> {
    return this.#pickable;
  }

  get pickableCount(): number {
    return this.#pickable.size;
  }

  /** Endpoints that only statistics, or calls in flight, may speak against. */
  usable(): Endpoint[] {
    return [...this.#standings.keys()].filter((endpoint) => this.#isUsable(endpoint));
  }

  /** Endpoints the registry wants to get calls. */
  get listedCount(): number {
    return this.#listed;
  }

  /** Endpoints left out on statistics or at their own request. */
  get sidelined(): Iterable<Endpoint> & { readonly size: number } {
    return this.#sidelined;
  }

  /** Whether too few are healthy. */
  get isPanicking(): boolean {
    return this.#isPanicking;
  }

  /** Tells a new strategy of all there are. */
  introduce(strategy: Strategy): void {
    for (const [endpoint, { isListed }] of this.#standings) {
      if (isListed) strategy.listed?.(endpoint);
      if (endpoint.isPickable) strategy.add(endpoint);
    }
  }

  /** Tells the strategies that have it of another weight. */
  weightChanged(endpoint: Endpoint): void {
    if (!endpoint.isPickable) return;
    for (const strategy of this.#strategies.values()) strategy.weightChanged?.(endpoint);
  }

  /** Whether a strategy may choose an endpoint that `request` does not exclude. */
  hasPickable(request: Pick<PickRequest, 'isExcluded'>): boolean {
    for (const endpoint of this.#pickable) if (!request.isExcluded(endpoint)) return true;
    return false;
  }

  /** An endpoint whose half-open breaker waits for a probe that `request` could be. */
  freeProbe(request: PickRequest): Endpoint | undefined {
    if (this.halfOpen.size === 0) return undefined;
    return this.halfOpen.firstFrom(0, {
      isExcluded: (candidate) => !candidate.breaker.hasFreeProbe || request.isExcluded(candidate),
    });
  }

  /** An endpoint that only statistics speak against, for a call that no other takes; each in turn. */
  lastResort(request: PickRequest): Endpoint | undefined {
    if (this.#sidelined.size === 0) return undefined;
    this.#resorts += 1;
    return this.#sidelined.firstFrom(this.#resorts, {
      isExcluded: (endpoint) =>
        !this.#isUsable(endpoint) ||
        endpoint.restingUntil > 0 ||
        !this.#hasRoom(endpoint) ||
        request.isExcluded(endpoint),
    });
  }

  /** Puts an endpoint where its state says it belongs. Called after each change of that state. */
  place(endpoint: Endpoint): void {
    let standing = this.#standings.get(endpoint);
    if (standing === undefined) {
      standing = { isListed: false, isHealthy: false };
      this.#standings.set(endpoint, standing);
    }
    const isListed = endpoint.isListedForCalls;
    const isHealthy = this.#isUsable(endpoint) && !endpoint.isSuspect;
    this.#listed += Number(isListed) - Number(standing.isListed);
    this.#healthy += Number(isHealthy) - Number(standing.isHealthy);
    const wasListed = standing.isListed;
    standing.isListed = isListed;
    if (isListed && !wasListed) this.#tellListed(endpoint, true);
    standing.isHealthy = isHealthy;
    const isConnected = isListed && endpoint.connection.state === 'ready';
    if (isConnected && endpoint.breaker.state === 'half-open') this.halfOpen.add(endpoint);
    else this.halfOpen.delete(endpoint);
    if (endpoint.isSidelined) this.#sidelined.add(endpoint);
    else this.#sidelined.delete(endpoint);
    this.#offer(endpoint, standing);
    if (wasListed && !isListed) this.#tellListed(endpoint, false);
    this.#checkPanic();
  }

  /** Forgets an endpoint that is gone. */
  remove(endpoint: Endpoint): void {
    const standing = this.#standings.get(endpoint);
    if (standing === undefined) return;
    this.#standings.delete(endpoint);
    this.#listed -= Number(standing.isListed);
    this.#healthy -= Number(standing.isHealthy);
    this.halfOpen.delete(endpoint);
    this.#sidelined.delete(endpoint);
    this.#setPickable(endpoint, false);
    if (standing.isListed) this.#tellListed(endpoint, false);
    this.#checkPanic();
  }

  /** Its in-flight count has reached or left the limit. */
  inFlightChanged(endpoint: Endpoint): void {
    const standing = this.#standings.get(endpoint);
    if (standing !== undefined) this.#offer(endpoint, standing);
  }

  #offer(endpoint: Endpoint, standing: Standing): void {
    const isOffered = standing.isHealthy || (this.#isPanicking && this.#isUsable(endpoint));
    // What an endpoint asks for itself holds in a panic too.
    const isWilling = endpoint.restingUntil === 0 && this.#hasRoom(endpoint);
    this.#setPickable(endpoint, isOffered && isWilling);
  }

  /** Whether only statistics may speak against it. */
  #isUsable({ isListedForCalls, connection, breaker }: Endpoint): boolean {
    return isListedForCalls && connection.state === 'ready' && breaker.state === 'closed';
  }

  #hasRoom(endpoint: Endpoint): boolean {
    return endpoint.inFlight < this.limits.maxInFlightPerInstance;
  }

  #setPickable(endpoint: Endpoint, isPickable: boolean): void {
    if (endpoint.isPickable === isPickable) return;
    endpoint.isPickable = isPickable;
    if (isPickable) {
      this.#pickable.add(endpoint);
      for (const strategy of this.#strategies.values()) strategy.add(endpoint);
    } else {
      this.#pickable.delete(endpoint);
      for (const strategy of this.#strategies.values()) strategy.remove(endpoint);
    }
  }

  #tellListed(endpoint: Endpoint, isListed: boolean): void {
    for (const strategy of this.#strategies.values()) {
      if (isListed) strategy.listed?.(endpoint);
      else strategy.unlisted?.(endpoint);
    }
  }

  #checkPanic(): void {
    const isPanicking = this.#healthy < this.limits.panicThreshold * this.#listed;
    if (isPanicking === this.#isPanicking) return;
    this.#isPanicking = isPanicking;
    for (const endpoint of [...this.#sidelined]) this.inFlightChanged(endpoint);
  }
}
