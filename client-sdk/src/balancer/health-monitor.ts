import type { Outcome } from '../breaker/classify.ts';
import type { OutlierEjectionOptions } from '../policy/service-policy.ts';
import type { Endpoint } from './endpoint.ts';
import { OutlierDetector } from './outlier-detector.ts';
import type { Placement } from './placement.ts';
import { isSilent, isStalled, mayBeStalled } from './stall.ts';

/** How often to look, in ms: a stall is noticed this much late at most. */
export const TICK_MS = 100;
/** A tick later than this means that this process itself stood still, in ms. */
const OWN_STALL_MS = 100;
/** When too few are, or were, healthy an open breaker is probed this long after it opened, in ms. */
const EARLY_PROBE_MS = 1000;

/** How a breaker came to be open. */
interface Opening {
  at: number;
  /** Too few were healthy then, or when it was last probed: it is probed early. */
  isInPanic: boolean;
}

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
  /** Pings the process of the endpoint, as `BalancerListener.ping`. */
  ping(endpoint: Endpoint, onAnswer: () => void): boolean;
  /** It is left out for as long as it is silent, or no longer. */
  suspended(endpoint: Endpoint): void;
}

/**
 * Watches how the endpoints of a service fare, besides their breakers. It ejects for a time those that
 * fare worse than the others or have stopped answering, never more than a share of them, but always
 * one; leaves out those that are silent, until they answer; and those that ask to be left alone.
 */
export class HealthMonitor {
  readonly #placement: Placement;
  readonly #listener: HealthListener;
  readonly #outliers = new OutlierDetector();
  /** Those whose breaker is not closed. */
  readonly #broken = new Map<Endpoint, Opening>();
  /** Those of which it was told that they are left out. */
  readonly #told = new Set<Endpoint>();
  #options: Required<OutlierEjectionOptions> | undefined;
  #nextSweepAt = 0;
  #lastTickAt = 0;
  /** How long this process has stood still so far, as late ticks show it, in ms. */
  #stoodStillMs = 0;

  constructor(
    placement: Placement,
    options: Required<OutlierEjectionOptions> | undefined,
    listener: HealthListener,
  ) {
    this.#placement = placement;
    this.#options = options;
    this.#listener = listener;
  }

  /** Whether nothing has to be looked at until a call is made again. */
  get isIdle(): boolean {
    return (
      this.#placement.sidelined.size === 0 &&
      (this.#options === undefined || this.#outliers.isIdle) &&
      !(this.#placement.isPanicking && this.#broken.size > 0) &&
      !this.#awaitsEarlyProbe
    );
  }

  /** Ejects by these from now on; undefined: not at all, and nobody stays out for it. */
  setOptions(options: Required<OutlierEjectionOptions> | undefined): void {
    this.#options = options;
    if (options !== undefined) return;
    for (const endpoint of [...this.#placement.sidelined]) {
      endpoint.ejectedUntil = 0;
      endpoint.isSuspended = false;
      this.#settle(endpoint);
    }
  }

  /** An attempt has ended. `restMs`: the endpoint asked to be left alone for so long. */
  concluded(endpoint: Endpoint, outcome: Outcome, now: number, restMs?: number): void {
    if (outcome === 'success' && endpoint.isSuspended) this.#suspend(endpoint, false);
    if (restMs !== undefined) {
      const isNews = endpoint.restingUntil === 0;
      endpoint.restingUntil = Math.max(endpoint.restingUntil, now + restMs);
      if (!isNews) return;
      this.#placement.place(endpoint);
      this.#tell(endpoint, 'overloaded', restMs);
      return;
    }
    if (this.#options === undefined || outcome === 'neutral') return;
    if (this.#outliers.observe(endpoint, outcome === 'failure', this.#options)) {
      this.#eject(endpoint, now, 'failures in a row');
    }
  }

  /** Whether `endpoint`, chosen now, is to be passed over until it answers. */
  passesOver(endpoint: Endpoint, now: number): boolean {
    if (this.#options === undefined || endpoint.isSuspended || !isSilent(endpoint, now))
      return false;
    this.#suspend(endpoint, true);
    return endpoint.isSidelined && !endpoint.isPickable;
  }

  /** The breaker of `endpoint` has changed its state. */
  breakerChanged(endpoint: Endpoint, now: number): void {
    const { state } = endpoint.breaker;
    const { isPanicking } = this.#placement;
    if (state === 'closed') {
      this.#broken.delete(endpoint);
      // Its probe has shown that it is well.
      if (endpoint.ejectedUntil > 0) this.#return(endpoint);
      return;
    }
    const before = this.#broken.get(endpoint);
    // A probe that began in a panic may fail of it after its end.
    const isInPanic = isPanicking || (state === 'open' && before?.isInPanic === true);
    this.#broken.set(endpoint, { at: now, isInPanic });
  }

  /** The connection of `endpoint` was made anew: what its silence, and its refusals, said is over. */
  reconnected(endpoint: Endpoint, now: number): void {
    endpoint.silentSince = now;
    endpoint.pingedAt = undefined;
    endpoint.refusingSince = Number.NEGATIVE_INFINITY;
  }

  forget(endpoint: Endpoint): void {
    this.#outliers.forget(endpoint);
    this.#broken.delete(endpoint);
    this.#told.delete(endpoint);
  }

  /** Ticks follow from now on, the first after TICK_MS. */
  begin(now: number): void {
    this.#lastTickAt = now;
  }

  /**
   * How long this process has stood still until now, in ms, over its whole life. The difference between
   * two readings tells how much of a wait was its own doing. Read it while ticks are expected.
   */
  stoodStillMs(now: number): number {
    const lateMs = now - this.#lastTickAt - TICK_MS;
    return this.#stoodStillMs + (lateMs > OWN_STALL_MS ? lateMs : 0);
  }

  /** To be called each TICK_MS while not idle or calls are in flight. */
  tick(now: number): void {
    const lateMs = now - this.#lastTickAt - TICK_MS;
    this.#lastTickAt = now;
    if (lateMs > OWN_STALL_MS) this.#stoodStillMs += lateMs;
    for (const endpoint of [...this.#placement.sidelined]) this.#expire(endpoint, now);
    for (const endpoint of this.#placement.usable()) {
      // Nobody was heard while this process stood still, and what has come since is not read yet.
      if (lateMs > OWN_STALL_MS) {
        endpoint.silentSince = Math.min(now, endpoint.silentSince + lateMs);
        if (endpoint.pingedAt !== undefined) endpoint.pingedAt += lateMs;
      } else if (this.#options !== undefined) this.#listen(endpoint, now);
    }
    if (this.#options !== undefined && now >= this.#nextSweepAt) {
      this.#nextSweepAt = now + this.#options.intervalMs;
      for (const endpoint of this.#outliers.sweep(this.#options)) {
        this.#eject(endpoint, now, 'success rate');
      }
    }
    this.#probeEarly(now);
  }

  /**
   * In a panic every open breaker is probed early; and once more after its end, those that opened or
   * were probed in it: what spoke against them spoke against all, and may be over for them as well.
   */
  #probeEarly(now: number): void {
    const { isPanicking } = this.#placement;
    for (const [endpoint, opening] of this.#broken) {
      if (isPanicking) opening.isInPanic = true;
      const isDue = opening.isInPanic && now - opening.at >= EARLY_PROBE_MS;
      if (isDue && endpoint.breaker.state === 'open') endpoint.breaker.allowEarlyProbe();
    }
  }

  get #awaitsEarlyProbe(): boolean {
    for (const [{ breaker }, { isInPanic }] of this.#broken) {
      if (isInPanic && breaker.state === 'open' && !breaker.isForced) return true;
    }
    return false;
  }

  /** An endpoint that is silent gets no further calls until it answers; a stalled one is ejected. */
  #listen(endpoint: Endpoint, now: number): void {
    this.#suspend(endpoint, isSilent(endpoint, now));
    if (mayBeStalled(endpoint, now)) this.#ping(endpoint, now);
    if (isStalled(endpoint, now)) this.#eject(endpoint, now, 'stopped answering');
  }

  #ping(endpoint: Endpoint, now: number): void {
    if (endpoint.pingedAt !== undefined) return;
    endpoint.pingedAt = now;
    const isSent = this.#listener.ping(endpoint, () => {
      endpoint.pingedAt = undefined;
      endpoint.aliveAt = this.#lastTickAt;
    });
    if (!isSent) endpoint.pingedAt = undefined;
  }

  #suspend(endpoint: Endpoint, isSuspended: boolean): void {
    if (endpoint.isSuspended === isSuspended) return;
    endpoint.isSuspended = isSuspended;
    this.#settle(endpoint);
  }

  #eject(endpoint: Endpoint, now: number, reason: EjectionReason): void {
    if (this.#options === undefined || endpoint.ejectedUntil > 0) return;
    const { sidelined, listedCount } = this.#placement;
    let ejected = 0;
    for (const each of sidelined) if (each.ejectedUntil > 0) ejected += 1;
    const most = Math.max(1, Math.floor(listedCount * this.#options.maxEjectedShare));
    if (ejected >= most || listedCount < 2) return;
    const forMs = this.#outliers.nextEjectionMs(endpoint, this.#options);
    endpoint.ejectedUntil = now + forMs;
    this.#placement.place(endpoint);
    this.#tell(endpoint, reason, forMs);
  }

  #expire(endpoint: Endpoint, now: number): void {
    if (endpoint.restingUntil > 0 && now >= endpoint.restingUntil) {
      endpoint.restingUntil = 0;
      this.#settle(endpoint);
    }
    if (endpoint.ejectedUntil > 0 && now >= endpoint.ejectedUntil) this.#return(endpoint);
  }

  #return(endpoint: Endpoint): void {
    endpoint.ejectedUntil = 0;
    this.#settle(endpoint);
  }

  #tell(endpoint: Endpoint, reason: EjectionReason, forMs: number): void {
    this.#told.add(endpoint);
    this.#listener.ejected(endpoint, reason, forMs);
  }

  /** Something that spoke against it is over, or has begun without being told of. */
  #settle(endpoint: Endpoint): void {
    this.#placement.place(endpoint);
    if (!endpoint.isSidelined && this.#told.delete(endpoint)) this.#listener.returned(endpoint);
    else this.#listener.suspended(endpoint);
  }
}
