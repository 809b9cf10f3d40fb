import type { Instance } from '@weft/proto/registry';
import type { Breaker, Passage } from '../breaker/breaker.ts';
import { Attempt } from './attempt.ts';
import type { CallRecord } from './call-record.ts';
import { type Connection, Endpoint, endpointKey } from './endpoint.ts';
import { IndexedList } from './indexed-list.ts';
import { explainNoPick, type NoPick } from './no-pick.ts';
import type { Strategy } from './strategy.ts';

export interface BalancerOptions {
  service: string;
  strategy: Strategy;
  /** Makes the breaker of a new endpoint; `onChange` tells of its changes of state. */
  createBreaker: (onChange: () => void) => Breaker;
  /** Runs a task when what is under way in this turn of the event loop is done. Default setImmediate. */
  defer?: (task: () => void) => void;
}

/** Where the balancer tells of changes: the transport adapter that uses it. */
export interface BalancerListener {
  /** The endpoint is listed: connect to it. */
  endpointAdded(endpoint: Endpoint): void;
  /** The endpoint is gone: close its connection when its calls have ended. */
  endpointRemoved(endpoint: Endpoint): void;
  /** Which endpoints can be picked has changed. */
  picksChanged(): void;
}

/**
 * The core: which instances there are, which of them may take a call, which one takes the next.
 * It knows nothing of a transport; an adapter tells it what is connected and how attempts end.
 *
 * An endpoint may be picked when the registry lists it as RUNNING with weight, its connection is
 * ready and its breaker is closed. An update touches only what changed.
 */
export class Balancer {
  readonly service: string;
  readonly #strategy: Strategy;
  readonly #createBreaker: BalancerOptions['createBreaker'];
  readonly #endpoints = new Map<string, Endpoint>();
  /** Endpoints the strategy knows. */
  readonly #pickable = new Set<Endpoint>();
  /** Endpoints that wait for the one probe of their half-open breaker. */
  readonly #halfOpen = new IndexedList<Endpoint>();
  readonly #defer: (task: () => void) => void;
  /** Picks of this turn of the event loop: sent by its end, or not at all. */
  #picked: Attempt[] = [];
  #listener: BalancerListener | undefined;

  constructor({ service, strategy, createBreaker, defer = setImmediate }: BalancerOptions) {
    this.service = service;
    this.#strategy = strategy;
    this.#createBreaker = createBreaker;
    this.#defer = defer;
  }

  /** All listed endpoints. */
  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  /** Number of endpoints that a call could be sent to now. */
  get pickableCount(): number {
    return this.#pickable.size + this.#halfOpen.size;
  }

  /** Tells `listener` of every change from now on; undefined to stop. One at a time. */
  listen(listener: BalancerListener | undefined): void {
    this.#listener = listener;
  }

  /** Takes over the instances listed now; statistics, breakers and connections of the rest live on. */
  update(instances: readonly Instance[]): void {
    const listed = new Set<string>();
    for (const instance of instances) {
      const key = endpointKey(instance);
      listed.add(key);
      const known = this.#endpoints.get(key);
      if (known === undefined) this.#addEndpoint(instance);
      else if (known.instance !== instance) this.#replaceInstance(known, instance);
    }
    for (const [key, endpoint] of this.#endpoints) {
      if (!listed.has(key)) this.#removeEndpoint(endpoint);
    }
    this.#listener?.picksChanged();
  }

  /** The transport's connection to `endpoint` has changed. */
  setConnection(endpoint: Endpoint, connection: Connection): void {
    if (endpoint.connection.state === connection.state) return;
    endpoint.connection = connection;
    this.#place(endpoint);
    this.#listener?.picksChanged();
  }

  /** Chooses where the next attempt of `call` goes, or says why it cannot go anywhere. */
  pick(call: CallRecord): Attempt | NoPick {
    const isRetry = call.attempts.length > 0;
    // A half-open breaker is probed by a first attempt: a retry is no time for experiments.
    if (this.#halfOpen.size > 0 && (!isRetry || this.#pickable.size === 0)) {
      const probed = this.#halfOpen.firstFrom(0, {
        isExcluded: (candidate) => !candidate.breaker.hasFreeProbe || call.isExcluded(candidate),
      });
      const passage = probed?.breaker.admit();
      if (probed && passage) return this.#attempt(probed, passage, call);
    }
    const endpoint = this.#strategy.pick(call);
    const passage = endpoint?.breaker.admit();
    return endpoint && passage ? this.#attempt(endpoint, passage, call) : this.explain(call);
  }

  /** Why `call` cannot be sent anywhere now. */
  explain(call: CallRecord): NoPick {
    return explainNoPick(this.service, [...this.#endpoints.values()], call);
  }

  /** An attempt to `endpoint` counts as in flight from now on. */
  countIn(endpoint: Endpoint): void {
    endpoint.inFlight += 1;
    if (this.#pickable.has(endpoint)) this.#strategy.started?.(endpoint);
  }

  /** An attempt to `endpoint` no longer counts as in flight. */
  countOut(endpoint: Endpoint): void {
    endpoint.inFlight -= 1;
    if (this.#pickable.has(endpoint)) this.#strategy.ended?.(endpoint);
  }

  /** Forgets all endpoints and stops their breakers. */
  close(): void {
    for (const endpoint of [...this.#endpoints.values()]) this.#removeEndpoint(endpoint);
    this.#listener = undefined;
  }

  #attempt(endpoint: Endpoint, passage: Passage, call: CallRecord): Attempt {
    if (this.#picked.length === 0) this.#defer(() => this.#abandonUnsent());
    const attempt = new Attempt(this, endpoint, passage, call);
    this.#picked.push(attempt);
    return attempt;
  }

  #abandonUnsent(): void {
    const picked = this.#picked;
    this.#picked = [];
    for (const attempt of picked) attempt.abandon();
  }

  #addEndpoint(instance: Instance): void {
    const breaker = this.#createBreaker(() => {
      this.#place(endpoint);
      this.#listener?.picksChanged();
    });
    const endpoint = new Endpoint(instance, breaker);
    this.#endpoints.set(endpoint.key, endpoint);
    this.#listener?.endpointAdded(endpoint);
  }

  #replaceInstance(endpoint: Endpoint, instance: Instance): void {
    endpoint.instance = instance;
    this.#place(endpoint);
  }

  #removeEndpoint(endpoint: Endpoint): void {
    this.#endpoints.delete(endpoint.key);
    endpoint.connection = { state: 'connecting' };
    this.#place(endpoint);
    endpoint.breaker.close();
    this.#listener?.endpointRemoved(endpoint);
  }

  /** Puts an endpoint among those its state belongs to. */
  #place(endpoint: Endpoint): void {
    const isUsable = endpoint.connection.state === 'ready' && endpoint.isListedForCalls;
    const { state } = endpoint.breaker;
    if (isUsable && state === 'half-open') this.#halfOpen.add(endpoint);
    else this.#halfOpen.delete(endpoint);
    const isPickable = isUsable && state === 'closed';
    if (isPickable === this.#pickable.has(endpoint)) return;
    if (isPickable) {
      this.#pickable.add(endpoint);
      this.#strategy.add(endpoint);
    } else {
      this.#pickable.delete(endpoint);
      this.#strategy.remove(endpoint);
    }
  }
}
