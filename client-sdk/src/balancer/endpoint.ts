import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { Breaker } from '../breaker/breaker.ts';
import type { Outcome } from '../breaker/classify.ts';
import { PeakEwma } from './peak-ewma.ts';

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
  /** Of the attempts in flight those that end with one answer. */
  unaryInFlight = 0;
  /** Since when none of those has ended, in ms. */
  silentSince = 0;

  constructor(instance: Instance, breaker: Breaker, latency = new PeakEwma(performance.now())) {
    this.instance = instance;
    this.key = endpointKey(instance);
    this.breaker = breaker;
    this.latency = latency;
  }

  /** An attempt that ends with one answer begins. */
  unaryStarted(now: number): void {
    if (this.unaryInFlight === 0) this.silentSince = now;
    this.unaryInFlight += 1;
    this.latency.started(now);
  }

  /** An attempt that was told of has ended; neutral also when it was never sent. */
  unaryEnded(startedAt: number, now: number, outcome: Outcome): void {
    this.unaryInFlight -= 1;
    if (outcome === 'failure') this.latency.failed(startedAt, now);
    else this.latency.ended(startedAt, now, outcome === 'success' ? now - startedAt : undefined);
    if (outcome === 'success') this.silentSince = now;
  }

  /** Share of the traffic against its siblings, as listed; 0 drains. */
  get weight(): number {
    return this.instance.weight ?? 1;
  }

  /** Whether it may get calls as far as the registry knows. Weight 0 drains. */
  get isListedForCalls(): boolean {
    return this.instance.status === InstanceStatus.INSTANCE_STATUS_RUNNING && this.weight > 0;
  }

  /** Whether it is left out of the picks for a time, though it is connected and its breaker closed. */
  get isSidelined(): boolean {
    return this.ejectedUntil > 0 || this.restingUntil > 0 || this.isSuspended;
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

/** `host:port`, with brackets around an IPv6 host. */
export function addressText(address: Instance['address']): string {
  if (address === undefined) return '';
  const { host, port } = address;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
