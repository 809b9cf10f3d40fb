import type { Instance } from '@weft/proto/registry';
import type { Breaker, BreakerState, Passage } from '../breaker/breaker.ts';
import type { Outcome } from '../breaker/classify.ts';
import type { InstanceChanges } from '../discovery/instance-changes.ts';
import type { ResolvedPolicy } from '../policy/service-policy.ts';
import { Attempt } from './attempt.ts';
import { AverageLatency } from './average-latency.ts';
import { CallRecord } from './call-record.ts';
import { type Connection, Endpoint } from './endpoint.ts';
import { type EjectionReason, HealthMonitor, TICK_MS } from './health-monitor.ts';
import { type MemberChanges, Membership } from './membership.ts';
import { explainNoPick, type NoPick, overloaded } from './no-pick.ts';
import { DECAY_MS, PeakEwma } from './peak-ewma.ts';
import { Placement } from './placement.ts';
import { RetryBudget } from './retry-budget.ts';
import { beginSlowStart, slowStartShare } from './slow-start.ts';
import { createStrategy, strategyKey } from './strategies.ts';
import type { Strategy } from './strategy.ts';
import type { Subset } from './subset.ts';
import { Ticker } from './ticker.ts';

export interface BalancerOptions {
  service: string;
  policy: ResolvedPolicy;
  /** Makes the breaker of a new endpoint; `onChange` tells of its changes of state. */
  createBreaker: (
    policy: ResolvedPolicy,
    onChange: (from: BreakerState, to: BreakerState) => void,
  ) => Breaker;
  /** Chooses the instances that are used; undefined: all are. */
  subset?: Subset | undefined;
  /** Where this client stands; empty: nowhere. */
  zone?: string;
  /** Told what becomes of endpoints, for whoever wants to know. */
  observer?: BalancerObserver;
  /** Monotonic time in ms. Default performance.now. */
  now?: () => number;
  /** Default Math.random. */
  random?: () => number;
  /** Runs a task when what is under way in this turn of the event loop is done. Default setImmediate. */
  defer?: (task: () => void) => void;
}

/** Who wants to know what becomes of endpoints. */
export interface BalancerObserver {
  breakerChanged(endpoint: Endpoint, from: BreakerState, to: BreakerState): void;
  ejected(endpoint: Endpoint, reason: EjectionReason, forMs: number): void;
  returned(endpoint: Endpoint): void;
}

/** Where the balancer tells of changes: the transport adapter that uses it. */
export interface BalancerListener {
  /** The endpoint is listed: connect to it. */
  endpointAdded(endpoint: Endpoint): void;
  /** The endpoint is gone: close its connection when its calls have ended. */
  endpointRemoved(endpoint: Endpoint): void;
  /** The endpoint no longer answers: what may be asked elsewhere should be. */
  endpointStalled(endpoint: Endpoint): void;
  /** Which endpoints can be picked has changed. */
  picksChanged(): void;
}

/** What the balancer knows of the service's instances. */
export type Knowledge =
  | { readonly state: 'unknown' }
  | { readonly state: 'failed'; readonly message: string }
  | { readonly state: 'known'; readonly revision: bigint; readonly at: number };

/**
 * The core: which instances there are, which of them may take a call, which one takes the next.
 * It knows nothing of a transport; an adapter tells it what is connected and how attempts end.
 *
 * An endpoint may be picked when the registry lists it as RUNNING with weight, its connection is
 * ready, its breaker is closed and nothing speaks against it. An update touches only what changed.
 */
export class Balancer {
  readonly service: string;
  readonly now: () => number;
  readonly placement: Placement;
  readonly #options: BalancerOptions;
  readonly #random: () => number;
  readonly #defer: (task: () => void) => void;
  readonly #endpoints = new Map<string, Endpoint>();
  /** By name: the service's own, and those that call sites asked for. */
  readonly #strategies = new Map<string, Strategy>();
  readonly #monitor: HealthMonitor;
  readonly #budget: RetryBudget;
  readonly #membership: Membership;
  readonly #average = new AverageLatency(DECAY_MS);
  readonly #ticker = new Ticker(TICK_MS, () => this.#tick());
  #policy: ResolvedPolicy;
  #knowledge: Knowledge = { state: 'unknown' };
  #inFlight = 0;
  /** Picks of this turn of the event loop: sent by its end, or not at all. */
  #picked: Attempt[] = [];
  #listener: BalancerListener | undefined;

  constructor(options: BalancerOptions) {
    const { service, policy, observer } = options;
    this.service = service;
    this.now = options.now ?? (() => performance.now());
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#defer = options.defer ?? setImmediate;
    this.#policy = policy;
    this.placement = new Placement(this.#strategies, policy);
    this.#monitor = new HealthMonitor(this.placement, policy.outlierEjection, {
      ejected: (endpoint, reason, forMs) => {
        observer?.ejected(endpoint, reason, forMs);
        if (reason === 'stopped answering') this.#listener?.endpointStalled(endpoint);
        this.#listener?.picksChanged();
      },
      returned: (endpoint) => {
        observer?.returned(endpoint);
        this.#listener?.picksChanged();
      },
    });
    this.#budget = new RetryBudget(this.now());
    this.#membership = new Membership(options.subset);
    this.#strategyOf(strategyKey(policy));
  }

  /** The endpoints that are used. */
  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** Number of listed instances, this client's subset or not. */
  get size(): number {
    return this.#membership.size;
  }

  get policy(): ResolvedPolicy {
    return this.#policy;
  }

  get knowledge(): Knowledge {
    return this.#knowledge;
  }

  /** Attempts picked and not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Whether a call could be sent now. */
  get canPick(): boolean {
    return this.placement.pickableCount > 0 || this.placement.halfOpen.size > 0;
  }

  /** Tells `listener` of every change from now on; undefined to stop. One at a time. */
  listen(listener: BalancerListener | undefined): void {
    this.#listener = listener;
  }

  /** Goes by another policy from now on; connections and statistics live on. */
  setPolicy(policy: ResolvedPolicy): void {
    const isSameBreaker = JSON.stringify(policy.breaker) === JSON.stringify(this.#policy.breaker);
    this.#policy = policy;
    this.placement.limits = policy;
    this.#monitor.options = policy.outlierEjection;
    this.#strategyOf(strategyKey(policy));
    for (const endpoint of this.#endpoints.values()) {
      if (!isSameBreaker) {
        endpoint.breaker.dispose();
        endpoint.breaker = this.#createBreaker(() => endpoint);
        this.#monitor.breakerReplaced(endpoint);
      }
      this.placement.place(endpoint);
    }
    this.#listener?.picksChanged();
  }

  /** Has another subset choose which instances are used from now on; undefined: all are. */
  setSubset(subset: Subset | undefined): void {
    this.#take(this.#membership.choose(subset), false);
    this.#listener?.picksChanged();
  }

  /** Takes over what has changed; statistics, breakers and connections of the rest live on. */
  apply(changes: InstanceChanges): void {
    this.#take(this.#membership.apply(changes), this.#knowledge.state !== 'known');
    this.#knowledge = { state: 'known', revision: changes.revision, at: this.now() };
    this.#listener?.picksChanged();
  }

  /** Nothing is known of the service yet, and the registry cannot be asked. */
  discoveryFailed(message: string): void {
    if (this.#knowledge.state === 'known') return;
    this.#knowledge = { state: 'failed', message };
    this.#listener?.picksChanged();
  }

  /** The transport's connection to `endpoint` has changed. */
  setConnection(endpoint: Endpoint, connection: Connection): void {
    const { state } = endpoint.connection;
    // Why it fails may have changed all the same.
    endpoint.connection = connection;
    if (connection.state === state) return;
    if (connection.state === 'ready') this.#monitor.reconnected(endpoint, this.now());
    // One that has been removed already is only told of the end of its connection.
    if (this.#endpoints.get(endpoint.instance.id) !== endpoint) return;
    this.placement.place(endpoint);
    this.#listener?.picksChanged();
  }

  /** Chooses where the next attempt of `call` goes, or says why it cannot go anywhere. */
  pick(call: CallRecord): Attempt | NoPick {
    const now = this.now();
    const refusal = this.#admit(call, now);
    if (refusal !== undefined) return refusal;
    const isRetry = call.attempts.length > 0;
    // A half-open breaker is probed by a first attempt: a retry is no time for experiments.
    const { halfOpen, pickableCount } = this.placement;
    if (halfOpen.size > 0 && (!isRetry || pickableCount === 0)) {
      const probed = halfOpen.firstFrom(0, {
        isExcluded: (candidate) => !candidate.breaker.hasFreeProbe || call.isExcluded(candidate),
      });
      const passage = probed?.breaker.admit();
      if (probed && passage) return this.#attempt(probed, passage, call, now);
    }
    const endpoint = this.#choose(call, now);
    const passage = endpoint?.breaker.admit();
    return endpoint && passage
      ? this.#attempt(endpoint, passage, call, now)
      : explainNoPick(this, call);
  }

  /** Why a call would not be sent anywhere now. */
  explain(): NoPick {
    return explainNoPick(this, new CallRecord());
  }

  countIn({ endpoint, call }: Attempt, now: number): void {
    this.#inFlight += 1;
    endpoint.inFlight += 1;
    if (call.isUnary) endpoint.unaryStarted(now);
    if (!this.placement.isPickable(endpoint)) return;
    for (const strategy of this.#strategies.values()) strategy.started?.(endpoint);
    if (endpoint.inFlight >= this.#policy.maxInFlightPerInstance) {
      this.placement.inFlightChanged(endpoint);
    }
  }

  countOut(attempt: Attempt, outcome: Outcome, now: number, restMs?: number): void {
    const { endpoint, call } = attempt;
    this.#inFlight -= 1;
    endpoint.inFlight -= 1;
    if (call.isUnary) endpoint.unaryEnded(attempt.startedAt, now, outcome);
    if (this.placement.isPickable(endpoint)) {
      for (const strategy of this.#strategies.values()) strategy.ended?.(endpoint);
    } else if (endpoint.inFlight === this.#policy.maxInFlightPerInstance - 1) {
      this.placement.inFlightChanged(endpoint);
    }
    if (this.#endpoints.get(endpoint.instance.id) !== endpoint) return;
    this.#monitor.concluded(endpoint, outcome, now, restMs);
  }

  /** Forgets all endpoints and stops their breakers. */
  close(): void {
    this.#ticker.close();
    for (const id of [...this.#endpoints.keys()]) this.#remove(id);
    this.#listener = undefined;
  }

  /** Whether the limits let one more attempt of `call` begin. */
  #admit(call: CallRecord, now: number): NoPick | undefined {
    if (this.#inFlight >= this.#policy.maxInFlight) return overloaded(this, call);
    const attempts = call.attempts.length;
    if (call.funded > attempts) return undefined;
    if (attempts === 0) this.#budget.deposit(now);
    else if (!this.#budget.withdraw(now, this.#policy.retryBudget)) {
      return explainNoPick(this, call, 'the retry budget is spent');
    }
    call.funded = attempts + 1;
    return undefined;
  }

  #choose(call: CallRecord, now: number): Endpoint | undefined {
    const strategy = this.#strategyOf(call.strategy ?? strategyKey(this.#policy));
    const endpoint = strategy.pick(call) ?? this.placement.lastResort(call);
    if (endpoint?.warmingSince === undefined || strategy.isSticky) return endpoint;
    if (this.#random() < slowStartShare(endpoint, now, this.#policy.slowStartMs)) return endpoint;
    const other = strategy.pick({
      hashKey: call.hashKey,
      isExcluded: (candidate) => candidate === endpoint || call.isExcluded(candidate),
    });
    return other ?? endpoint;
  }

  #strategyOf(key: string): Strategy {
    const known = this.#strategies.get(key);
    if (known !== undefined) return known;
    const { zone } = this.#options;
    const strategy = createStrategy(key, { now: this.now, random: this.#random, zone });
    this.placement.introduce(strategy);
    this.#strategies.set(key, strategy);
    return strategy;
  }

  #attempt(endpoint: Endpoint, passage: Passage, call: CallRecord, now: number): Attempt {
    if (this.#picked.length === 0) this.#defer(() => this.#abandonUnsent());
    const attempt = new Attempt(this, endpoint, passage, call, now);
    this.#picked.push(attempt);
    this.#ticker.wake();
    return attempt;
  }

  #abandonUnsent(): void {
    const picked = this.#picked;
    this.#picked = [];
    for (const attempt of picked) attempt.abandon();
  }

  #tick(): boolean {
    this.#monitor.tick(this.now());
    const goesOn = this.#inFlight > 0 || !this.#monitor.isIdle;
    if (!goesOn) this.#monitor.rest();
    return goesOn;
  }

  #take({ entered, changed, left }: MemberChanges, isFirst: boolean): void {
    for (const id of left) this.#remove(id);
    for (const instance of entered) this.#add(instance, isFirst);
    for (const instance of changed) this.#update(instance);
  }

  #add(instance: Instance, isFirst: boolean): void {
    const now = this.now();
    const breaker = this.#createBreaker(() => endpoint);
    const endpoint = new Endpoint(instance, breaker, new PeakEwma(now, this.#average));
    const ageMs = Date.now() - (instance.startTime?.getTime() ?? Date.now());
    if (!isFirst) beginSlowStart(endpoint, now, ageMs, this.#policy.slowStartMs);
    this.#endpoints.set(instance.id, endpoint);
    this.placement.place(endpoint);
    this.#listener?.endpointAdded(endpoint);
  }

  #update(instance: Instance): void {
    const endpoint = this.#endpoints.get(instance.id);
    if (endpoint === undefined) return;
    const { weight } = endpoint;
    endpoint.instance = instance;
    this.placement.place(endpoint);
    if (endpoint.weight === weight || !this.placement.isPickable(endpoint)) return;
    for (const strategy of this.#strategies.values()) strategy.weightChanged?.(endpoint);
  }

  #createBreaker(owner: () => Endpoint): Breaker {
    return this.#options.createBreaker(this.#policy, (from, to) => {
      const endpoint = owner();
      this.placement.place(endpoint);
      this.#monitor.breakerChanged(endpoint, this.now());
      this.#options.observer?.breakerChanged(endpoint, from, to);
      this.#listener?.picksChanged();
    });
  }

  #remove(id: string): void {
    const endpoint = this.#endpoints.get(id);
    if (endpoint === undefined) return;
    this.#endpoints.delete(id);
    this.placement.remove(endpoint);
    this.#monitor.forget(endpoint);
    endpoint.breaker.dispose();
    this.#listener?.endpointRemoved(endpoint);
  }
}
