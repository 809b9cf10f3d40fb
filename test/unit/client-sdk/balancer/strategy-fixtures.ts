import type { Instance } from '@weft/proto/registry';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import type {
  PickRequest,
  Strategy,
  StrategyEnvironment,
} from '../../../../client-sdk/src/balancer/strategy.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { endpoint, instance } from '../fixtures.ts';

const { breaker } = endpoint('any');

/** A first attempt of a call without a key. */
export const anyone: PickRequest = new CallRecord();

export function keyed(hashKey: string, ...excluded: Endpoint[]): PickRequest {
  return { hashKey, isExcluded: (each) => excluded.includes(each) };
}

/** What was tried at all of `excluded`. */
export function except(...excluded: Endpoint[]): PickRequest {
  return { hashKey: undefined, isExcluded: (each) => excluded.includes(each) };
}

export function only(wanted: Endpoint | undefined): PickRequest {
  return { hashKey: undefined, isExcluded: (each) => each !== wanted };
}

export function environment(seed = 1, now = () => 0): StrategyEnvironment {
  return { now, random: seededRandom(seed) };
}

/** An endpoint whose breaker is of no account. */
export function candidate(id: string, changes: Partial<Instance> = {}): Endpoint {
  return new Endpoint(instance(id, changes), breaker);
}

export function candidates(count: number, changes: Partial<Instance> = {}): Endpoint[] {
  return Array.from({ length: count }, (_, i) => candidate(`e${i}`, changes));
}

/** Does what the balancer does: counts first, then tells a strategy that knows the endpoint. */
export class Ledger {
  readonly strategy: Strategy;
  readonly known = new Set<Endpoint>();
  readonly calls: Endpoint[] = [];

  constructor(strategy: Strategy, endpoints: Iterable<Endpoint> = []) {
    this.strategy = strategy;
    for (const each of endpoints) this.toggle(each);
  }

  /** Adds it, or removes it when it is known. */
  toggle(each: Endpoint): void {
    if (this.known.delete(each)) {
      this.strategy.remove(each);
      return;
    }
    this.known.add(each);
    this.strategy.add(each);
  }

  setWeight(each: Endpoint, weight: number): void {
    each.instance = { ...each.instance, weight };
    if (this.known.has(each)) this.strategy.weightChanged?.(each);
  }

  start(each: Endpoint): void {
    this.calls.push(each);
    each.inFlight += 1;
    if (this.known.has(each)) this.strategy.started?.(each);
  }

  end(index: number): void {
    const [each] = this.calls.splice(index, 1);
    if (each === undefined) return;
    each.inFlight -= 1;
    if (this.known.has(each)) this.strategy.ended?.(each);
  }
}

/** How often each is picked in `picks` picks. */
export function countPicks(strategy: Strategy, picks: number, request = anyone) {
  const counts = new Map<Endpoint | undefined, number>();
  for (let i = 0; i < picks; i += 1) {
    const picked = strategy.pick(request);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return counts;
}
