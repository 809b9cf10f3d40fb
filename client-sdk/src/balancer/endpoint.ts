import { addressText } from '@weft/proto';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';
import type { Breaker } from '../breaker/breaker.ts';
import type { Outcome } from '../breaker/classify.ts';
import type { MethodLatency } from './method-latency.ts';
import { PeakEwma } from './peak-ewma.ts';

/** How long the end of a connection goes on refusing calls, in ms; and until when that is remembered. */
const REFUSING_MS = 250;
const REFUSING_MEMORY_MS = 2000;

/**
 * What the transport knows of the way to an endpoint. `failing` lasts until a connection succeeds,
 * through all tries in between, so that calls do not wait for what keeps failing.
 */
export type Connection =
  | { readonly state: 'connecting' | 'ready' }
  | { readonly state: 'failing'; readonly error: string };

/**
 * One instance as the balancer sees it: where it is, whether its connection is ready, what is
 * in flight. Lives as long as the incarnation is listed, through every update of the others.
 */
export class Endpoint {
  /** As listed last; replaced when status, weight or metadata change. */
  instance: Instance;
  readonly key: string;
  breaker: Breaker;
  connection: Connection = { state: 'connecting' };
  /** Attempts picked and not ended. */
  inFlight = 0;
  /** Whether the strategies have it: the placement keeps it so. */
  isPickable = false;
  /** How long calls there take. */
  readonly latency: PeakEwma;
  /** Left out on statistics until then, on the monotonic clock in ms; 0: not. */
  ejectedUntil = 0;
  /** Left out at its own request until then: it is overloaded; 0: not. */
  restingUntil = 0;
  /** Left out until it answers: calls are in flight, and it is silent. */
  isSuspended = false;
  /** When it joined its siblings, in ms, as long as it has less than its full share. */
  warmingSince: number | undefined;
  /** Attempts in flight whose method is known to be answered, and how slowly at most. */
  awaited = 0;
  /** Since when none of those has been answered, in ms. */
  silentSince = 0;
  /** When its process last answered a ping, in ms: it is slow then, and not frozen. */
  aliveAt = 0;
  /** Since when a ping is without an answer, in ms; undefined if none is. */
  pingedAt: number | undefined;
  /** When it last began to refuse calls that it had not looked at, in ms. */
  refusingSince = Number.NEGATIVE_INFINITY;
  readonly #awaitedByMethod = new Map<MethodLatency, number>();

  constructor(instance: Instance, breaker: Breaker, latency = new PeakEwma(performance.now())) {
    this.instance = instance;
    this.key = endpointKey(instance);
    this.breaker = breaker;
    this.latency = latency;
  }

  /**
   * An attempt that ends with one answer begins. Answers whether it is awaited: how long it may take is
   * known.
   */
  unaryStarted(now: number, method: MethodLatency): boolean {
    this.latency.started(now);
    if (method.slowestAt(now) === undefined) return false;
    if (this.awaited === 0) this.silentSince = now;
    this.awaited += 1;
    this.#awaitedByMethod.set(method, (this.#awaitedByMethod.get(method) ?? 0) + 1);
    return true;
  }

  /** An attempt that was told of has ended; neutral also when it was never sent. */
  unaryEnded(
    { startedAt, isAwaited }: { readonly startedAt: number; readonly isAwaited: boolean },
    now: number,
    outcome: Outcome,
    method: MethodLatency,
  ): void {
    if (outcome === 'failure') this.latency.failed(startedAt, now);
    else this.latency.ended(startedAt, now, outcome === 'success' ? now - startedAt : undefined);
    if (outcome === 'success') {
      method.answered(now, now - startedAt, this);
      this.silentSince = now;
    }
    if (!isAwaited) return;
    this.awaited -= 1;
    const left = (this.#awaitedByMethod.get(method) ?? 1) - 1;
    if (left === 0) this.#awaitedByMethod.delete(method);
    else this.#awaitedByMethod.set(method, left);
  }

  /** The slowest that the methods of the awaited attempts were answered lately, in ms. */
  slowestAwaitedAt(now: number): number {
    let slowestMs = 0;
    for (const method of this.#awaitedByMethod.keys()) {
      slowestMs = Math.max(slowestMs, method.slowestAt(now) ?? Number.POSITIVE_INFINITY);
    }
    return slowestMs;
  }

  /**
   * It refuses a call that it has not looked at. Answers whether that is to be excused, as when its
   * connection ends: not if it goes on for longer than that takes.
   */
  refused(now: number): boolean {
    if (now - this.refusingSince > REFUSING_MEMORY_MS) this.refusingSince = now;
    return now - this.refusingSince <= REFUSING_MS;
  }

  /** Share of the traffic against its siblings, as listed; 0 drains. */
  get weight(): number {
    return this.instance.weight ?? 1;
  }

  /** Whether the registry's health check of it fails; one that is not checked is taken to be well. */
  get failsHealthCheck(): boolean {
    return this.instance.health === Health.HEALTH_NOT_SERVING;
  }

  /** Whether it may get calls as far as the registry knows. Weight 0 drains. */
  get isListedForCalls(): boolean {
    const isRunning = this.instance.status === InstanceStatus.INSTANCE_STATUS_RUNNING;
    return isRunning && !this.failsHealthCheck && this.weight > 0;
  }

  /** Whether statistics speak against it, though it is connected and its breaker closed. */
  get isSuspect(): boolean {
    return this.ejectedUntil > 0 || this.isSuspended;
  }

  /** Whether it is left out of the picks for a time. */
  get isSidelined(): boolean {
    return this.isSuspect || this.restingUntil > 0;
  }
}

/** Identity of an endpoint: a new incarnation or address is another endpoint. */
export function endpointKey({ id, incarnation, address }: Instance): string {
  return `${id}/${incarnation}@${addressText(address)}`;
}

/** The instance id that an endpoint's key begins with. */
export function idOfKey(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
