import type { Outcome } from '../breaker/classify.ts';
import type { OutlierEjectionOptions } from '../policy/service-policy.ts';
import type { Endpoint } from './endpoint.ts';
import { OutlierDetector } from './outlier-detector.ts';
import type { Placement } from './placement.ts';
import { isStalled } from './stall.ts';

/** How often to look, in ms: a stall is noticed this much late at most. */
export const TICK_MS = 250;
/** A tick later than this means that this process itself stood still, in ms. */
const OWN_STALL_MS = 1000;
/** When too few are healthy an open breaker is probed this long after it opened, in ms. */
const EARLY_PROBE_MS = 1000;

/** Why an endpoint was left out. */
export type EjectionReason =
  | 'failures in a row'
  | 'success rate'
  | 'stopped answering'
  | 'overloaded';

/** What has become of an endpoint. */
export interface HealthListener {
  /** It is left out of the picks for `forMs`. */
  ejected(endpoint: Endpoint, reason: EjectionReason, forMs: number): void;
  /** It is used again. */
  returned(endpoint: Endpoint): void;
}

/**
 * Watches how the endpoints of a service fare, besides their breakers: leaves out for a time those that
 * fare worse than the others, have stopped answering or ask to be left alone. Never more than a share
 * of them, but always one.
 */
export class HealthMonitor {
  readonly #placement: Placement;
  readonly #listener: HealthListener;
  readonly #outliers = new OutlierDetector();
  readonly #openedAt = new Map<Endpoint, number>();
  options: Required<OutlierEjectionOptions> | undefined;
  #nextSweepAt = 0;
  #lastTickAt: number | undefined;

  constructor(
    placement: Placement,
    options: Required<OutlierEjectionOptions> | undefined,
    listener: HealthListener,
  ) {
    this.#placement = placement;
    this.options = options;
    this.#listener = listener;
  }

  /** Whether nothing has to be looked at until a call is made again. */
  get isIdle(): boolean {
    return (
      this.#placement.sidelined.size === 0 &&
      this.#outliers.isIdle &&
      !(this.#placement.isPanicking && this.#openedAt.size > 0)
    );
  }

  /** An attempt has ended. `restMs`: the endpoint asked to be left alone for so long. */
  concluded(endpoint: Endpoint, outcome: Outcome, now: number, restMs: number | undefined): void {
    if (restMs !== undefined) {
      const isNews = endpoint.restingUntil === 0;
      endpoint.restingUntil = Math.max(endpoint.restingUntil, now + restMs);
      if (!isNews) return;
      this.#placement.place(endpoint);
      this.#listener.ejected(endpoint, 'overloaded', restMs);
      return;
    }
    if (this.options === undefined || outcome === 'neutral') return;
    if (this.#outliers.observe(endpoint, outcome === 'failure', this.options)) {
      this.#eject(endpoint, now, 'failures in a row');
    }
  }

  /** The breaker of `endpoint` has changed its state. */
  breakerChanged(endpoint: Endpoint, now: number): void {
    if (endpoint.breaker.state === 'open') this.#openedAt.set(endpoint, now);
    else this.#openedAt.delete(endpoint);
    // Its probe has shown that it is well.
    if (endpoint.breaker.state === 'closed' && endpoint.ejectedUntil > 0) this.#return(endpoint);
  }

  /** The breaker of `endpoint` is a new one: what the old one said is over. */
  breakerReplaced(endpoint: Endpoint): void {
    this.#openedAt.delete(endpoint);
  }

  /** The connection of `endpoint` was made anew: what its silence said is over. */
  reconnected(endpoint: Endpoint, now: number): void {
    endpoint.silentSince = now;
  }

  forget(endpoint: Endpoint): void {
    this.#outliers.forget(endpoint);
    this.#openedAt.delete(endpoint);
  }

  /** To be called each TICK_MS while not idle or calls are in flight. */
  tick(now: number): void {
    const isLate =
      this.#lastTickAt !== undefined && now - this.#lastTickAt > OWN_STALL_MS + TICK_MS;
    this.#lastTickAt = now;
    for (const endpoint of this.#placement.sidelined) this.#expire(endpoint, now);
    for (const endpoint of [...this.#placement.pickable]) {
      if (isLate) endpoint.silentSince = now;
      else if (isStalled(endpoint, now)) this.#eject(endpoint, now, 'stopped answering');
    }
    if (this.options !== undefined && now >= this.#nextSweepAt) {
      this.#nextSweepAt = now + this.options.intervalMs;
      for (const endpoint of this.#outliers.sweep(this.options)) {
        this.#eject(endpoint, now, 'success rate');
      }
    }
    if (!this.#placement.isPanicking) return;
    for (const [endpoint, openedAt] of this.#openedAt) {
      if (now - openedAt >= EARLY_PROBE_MS) endpoint.breaker.allowEarlyProbe();
    }
  }

  /** No tick follows this one: the next is not late, however long it takes. */
  rest(): void {
    this.#lastTickAt = undefined;
  }

  #eject(endpoint: Endpoint, now: number, reason: EjectionReason): void {
    if (this.options === undefined || endpoint.ejectedUntil > 0) return;
    const { sidelined, listedCount } = this.#placement;
    let ejected = 0;
    for (const each of sidelined) if (each.ejectedUntil > 0) ejected += 1;
    const most = Math.max(1, Math.floor(listedCount * this.options.maxEjectedShare));
    if (ejected >= most || listedCount < 2) return;
    const forMs = this.#outliers.nextEjectionMs(endpoint, this.options);
    endpoint.ejectedUntil = now + forMs;
    this.#placement.place(endpoint);
    this.#listener.ejected(endpoint, reason, forMs);
  }

  #expire(endpoint: Endpoint, now: number): void {
    if (endpoint.restingUntil > 0 && now >= endpoint.restingUntil) {
      endpoint.restingUntil = 0;
      if (endpoint.ejectedUntil === 0) this.#return(endpoint);
    }
    if (endpoint.ejectedUntil > 0 && now >= endpoint.ejectedUntil) this.#return(endpoint);
  }

  #return(endpoint: Endpoint): void {
    endpoint.ejectedUntil = 0;
    this.#placement.place(endpoint);
    if (!endpoint.isSidelined) this.#listener.returned(endpoint);
  }
}
