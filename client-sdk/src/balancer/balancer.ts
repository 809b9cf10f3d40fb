import type { Passage } from '../breaker/breaker.ts';
import type { Outcome } from '../breaker/classify.ts';
import type { InstanceChanges } from '../discovery/instance-changes.ts';
import type { ResolvedPolicy } from '../policy/service-policy.ts';
import { Attempt, type CountedEnding } from './attempt.ts';
import type { BalancerListener, BalancerOptions, Knowledge } from './balancer-options.ts';
import { CallRecord } from './call-record.ts';
import { EarliestTimer } from './earliest-timer.ts';
import type { Connection, Endpoint } from './endpoint.ts';
import { EndpointSet } from './endpoint-set.ts';
import { HealthMonitor, TICK_MS } from './health-monitor.ts';
import { Membership } from './membership.ts';
import { MethodLatencies } from './method-latency.ts';
import { explainNoPick, type NoPick, notStarted, overloaded } from './no-pick.ts';
import { Placement } from './placement.ts';
import { RetryBudget } from './retry-budget.ts';
import { slowStartShare } from './slow-start.ts';
import { strategyKey } from './strategies.ts';
import type { Strategy } from './strategy.ts';
import { StrategySet } from './strategy-set.ts';
import type { Subset } from './subset.ts';
import { Ticker } from './ticker.ts';

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
  readonly #endpoints: EndpointSet;
  readonly #strategies: StrategySet;
  readonly #monitor: HealthMonitor;
  readonly #budget: RetryBudget;
  readonly #membership: Membership;
  readonly #ticker = new Ticker(TICK_MS, () => this.#tick());
  /** Wakes the hedges that wait for their delay. */
  readonly #hedgeTimer = new EarliestTimer(() => this.#listener?.picksChanged());
  #policy: ResolvedPolicy;
  #knowledge: Knowledge = { state: 'unknown' };
  #inFlight = 0;
  readonly #latencies = new MethodLatencies();
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
    const { zone } = options;
    this.#strategies = new StrategySet({ now: this.now, random: this.#random, zone });
    this.placement = new Placement(this.#strategies.byKey, policy);
    this.#monitor = new HealthMonitor(this.placement, policy.outlierEjection, {
      ejected: (endpoint, reason, forMs) => {
        observer?.ejected(endpoint, reason, forMs);
        if (reason === 'stopped answering') this.#listener?.endpointStalled(endpoint);
        this.#listener?.picksChanged();
      },
      ping: (endpoint, onAnswer) => this.#listener?.ping(endpoint, onAnswer) ?? false,
      suspended: () => this.#listener?.picksChanged(),
      returned: (endpoint) => {
        observer?.returned(endpoint);
        this.#listener?.picksChanged();
      },
    });
    this.#endpoints = new EndpointSet({
      now: this.now,
      placement: this.placement,
      monitor: this.#monitor,
      observer,
      createBreaker: (onChange) => options.createBreaker(this.#policy, onChange),
      slowStartMs: () => this.#policy.slowStartMs,
      listener: () => this.#listener,
    });
    this.#budget = new RetryBudget(this.now());
    this.#membership = new Membership(options.subset);
    this.#strategyOf(strategyKey(policy));
  }

  /** The endpoints that are used. */
  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints;
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
    this.#monitor.setOptions(policy.outlierEjection);
    this.#strategyOf(strategyKey(policy));
    if (!isSameBreaker) this.#endpoints.replaceBreakers();
    for (const endpoint of this.#endpoints) this.placement.place(endpoint);
    this.#listener?.picksChanged();
  }

  /** Has another subset choose which instances are used; undefined, or a sticky strategy: all are. */
  setSubset(subset: Subset | undefined): void {
    this.#endpoints.apply(this.#membership.choose(subset), false);
    this.#listener?.picksChanged();
  }

  /** Has the strategy of a call site know all there is before its first call. */
  prepare(policy: ResolvedPolicy): void {
    this.#strategyOf(strategyKey(policy));
  }

  /** Takes over what has changed; statistics, breakers and connections of the rest live on. */
  apply(changes: InstanceChanges): void {
    const isFirst = this.#knowledge.state !== 'known';
    this.#endpoints.apply(this.#membership.apply(changes), isFirst);
    const { revision, kept } = changes;
    this.#knowledge = { state: 'known', revision, at: this.now(), kept };
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
    if (!this.#endpoints.has(endpoint)) return;
    this.placement.place(endpoint);
    this.#listener?.picksChanged();
  }

  /** Chooses where the next attempt of `call` goes, or says why it cannot go anywhere. */
  pick(call: CallRecord): Attempt | NoPick {
    const picked = this.#pick(call);
    if (picked.kind === 'fail') this.#options.counter?.pickFailed(this.service, picked.code);
    return picked;
  }

  #pick(call: CallRecord): Attempt | NoPick {
    const now = this.now();
    const hedgeWaitMs = call.hedgeWaitMs(now);
    if (hedgeWaitMs > 0) {
      this.#hedgeTimer.fireIn(hedgeWaitMs, now);
      return { kind: 'wait' };
    }
    const refusal = notStarted(this, call) ?? this.#admit(call, now);
    if (refusal !== undefined) return refusal;
    // A half-open breaker is probed by a first attempt: a retry is no time for experiments.
    const first = call.made > 0 ? undefined : this.placement.freeProbe(call);
    const endpoint = first ?? this.#choose(call, now) ?? this.placement.freeProbe(call);
    const passage = endpoint?.breaker.admit(call.isUnary);
    if (endpoint && passage) return this.#attempt(endpoint, passage, call, now);
    // It is the ticks that find out whether breakers should be probed early.
    this.#wake(now);
    return explainNoPick(this, call);
  }

  /**
   * Decides whether an attempt of `call` may be given up for one at another instance: the call may have
   * another attempt, an instance that it has not tried takes calls, and the time left is as long as its
   * method takes. If so, the retry budget has paid for that attempt.
   */
  fundMove(call: CallRecord): boolean {
    const now = this.now();
    if (call.made >= call.maxAttempts || !this.placement.hasPickable(call)) return false;
    const expectedMs = this.#latencies.of(call.path).slowestAt(now) ?? 0;
    if (now + expectedMs > call.endsAt) return false;
    return this.#budget.pay(call, now, this.#policy.retryBudget);
  }

  /** Why a call would not be sent anywhere now. */
  explain(): NoPick {
    return explainNoPick(this, new CallRecord());
  }

  countIn(attempt: Attempt, now: number): void {
    const { endpoint, call } = attempt;
    this.#wake(now);
    this.#inFlight += 1;
    endpoint.inFlight += 1;
    attempt.stoodStillMs = this.#monitor.stoodStillMs(now);
    if (call.isUnary) attempt.isAwaited = endpoint.unaryStarted(now, this.#latencies.of(call.path));
    if (!endpoint.isPickable) return;
    this.#strategies.started(endpoint);
    if (endpoint.inFlight >= this.#policy.maxInFlightPerInstance) {
      this.placement.inFlightChanged(endpoint);
    }
  }

  countOut(attempt: Attempt, outcome: Outcome, ending: CountedEnding, now: number): void {
    const { endpoint, call } = attempt;
    const { timedOutAfterMs, restMs } = ending;
    this.#inFlight -= 1;
    endpoint.inFlight -= 1;
    if (call.isUnary) {
      const latency = this.#latencies.of(call.path);
      endpoint.unaryEnded(attempt, now, outcome, latency);
      if (timedOutAfterMs !== undefined) latency.timedOut(now, timedOutAfterMs, endpoint);
      // A status that says nothing of the instance breaks its silence all the same.
      if (ending.isFromServer && outcome === 'neutral') endpoint.silentSince = now;
    }
    if (endpoint.isPickable) {
      this.#strategies.ended(endpoint);
    } else if (endpoint.inFlight === this.#policy.maxInFlightPerInstance - 1) {
      this.placement.inFlightChanged(endpoint);
      this.#listener?.picksChanged();
    }
    if (!this.#endpoints.has(endpoint)) return;
    this.#monitor.concluded(endpoint, outcome, now, restMs);
  }

  waitedMs({ startedAt, stoodStillMs }: Attempt, now: number): number {
    return now - startedAt - (this.#monitor.stoodStillMs(now) - stoodStillMs);
  }

  siblingsMs({ endpoint, call }: Attempt, now: number): readonly number[] {
    // A stream may last as long as it likes: how long others lasted says nothing of this one.
    if (!call.isUnary) return [];
    return this.#latencies.of(call.path).siblingsAt(now, endpoint, this.#endpoints);
  }

  sent({ endpoint, call, startedAt }: Attempt): void {
    this.#options.counter?.started(endpoint, call.path, call.attempts.length > 1, startedAt);
  }

  observed({ endpoint, call, startedAt }: Attempt, statusCode: number, durationMs: number): void {
    this.#options.counter?.count(endpoint, call.path, statusCode, durationMs, startedAt);
  }

  responded({ endpoint }: Attempt, now: number): void {
    if (this.#endpoints.has(endpoint)) this.#monitor.concluded(endpoint, 'success', now);
  }

  /** Forgets all endpoints and stops their breakers. */
  close(): void {
    this.#ticker.close();
    this.#hedgeTimer.close();
    this.#endpoints.clear();
    this.#listener = undefined;
  }

  /** Whether the limits let one more attempt of `call` begin. */
  #admit(call: CallRecord, now: number): NoPick | undefined {
    if (this.#inFlight >= this.#policy.maxInFlight) return overloaded(this, call);
    if (this.#budget.pay(call, now, this.#policy.retryBudget)) return undefined;
    return explainNoPick(this, call, 'the retry budget is spent');
  }

  #choose(call: CallRecord, now: number): Endpoint | undefined {
    const strategy = this.#strategyOf(call.strategy ?? strategyKey(this.#policy));
    const endpoint = this.#chooseHeard(strategy, call, now) ?? this.placement.lastResort(call);
    if (endpoint?.warmingSince === undefined || strategy.isSticky) return endpoint;
    if (this.#random() < slowStartShare(endpoint, now, this.#policy.slowStartMs)) return endpoint;
    const other = strategy.pick({
      hashKey: call.hashKey,
      isExcluded: (candidate) => candidate === endpoint || call.isExcluded(candidate),
    });
    return other ?? endpoint;
  }

  /** The strategy's choice among those that answer. */
  #chooseHeard(strategy: Strategy, call: CallRecord, now: number): Endpoint | undefined {
    for (;;) {
      const endpoint = strategy.pick(call);
      if (endpoint === undefined || !this.#monitor.passesOver(endpoint, now)) return endpoint;
    }
  }

  #strategyOf(key: string): Strategy {
    let isNew = false;
    const strategy = this.#strategies.of(key, (created) => {
      this.placement.introduce(created);
      isNew = true;
    });
    // Any client must find the instance that a key belongs to. Picks change as they get connected.
    if (isNew && strategy.isSticky) this.#endpoints.apply(this.#membership.useAll(), false);
    return strategy;
  }

  #attempt(endpoint: Endpoint, passage: Passage, call: CallRecord, now: number): Attempt {
    if (this.#picked.length === 0) this.#defer(() => this.#abandonUnsent());
    const attempt = new Attempt(this, endpoint, passage, call, now);
    this.#picked.push(attempt);
    return attempt;
  }

  #wake(now: number): void {
    if (this.#ticker.wake()) this.#monitor.begin(now);
  }

  #abandonUnsent(): void {
    const picked = this.#picked;
    this.#picked = [];
    for (const attempt of picked) attempt.abandon();
  }

  #tick(): boolean {
    this.#monitor.tick(this.now());
    return this.#inFlight > 0 || !this.#monitor.isIdle;
  }
}
