import { CallRecord } from '../../client-sdk/src/balancer/call-record.ts';
import { Endpoint } from '../../client-sdk/src/balancer/endpoint.ts';
import { createStrategy } from '../../client-sdk/src/balancer/strategies.ts';
import type { Strategy } from '../../client-sdk/src/balancer/strategy.ts';
import { endpoint, instance, seededRandom } from '../unit/client-sdk/fixtures.ts';

/** What a pick costs, in ns of one thread. */
export interface PickCost {
  /** A pick alone, with about one call in flight at each endpoint. */
  pick: number;
  /** A pick, then all that the strategy is told as that call starts and the oldest one ends. */
  cycle: number;
}

const KEYS = 4096;
const BATCH = 10_000;

/** A strategy that knows `count` endpoints, with measured latencies and a call in flight at each. */
function setUp(strategyName: string, count: number): { strategy: Strategy; inFlight: Endpoint[] } {
  const random = seededRandom(1);
  const strategy = createStrategy(strategyName, { now: () => performance.now(), random });
  const { breaker } = endpoint('any');
  const now = performance.now();
  const endpoints = Array.from({ length: count }, (_, i) => {
    const each = new Endpoint(instance(`instance-${i}`, { weight: 1 + (i % 3) }), breaker);
    each.latency.started(now);
    each.latency.ended(now, now, 15 + 10 * random());
    each.inFlight = 1;
    return each;
  });
  for (const each of endpoints) strategy.add(each);
  return { strategy, inFlight: endpoints.sort(() => random() - 0.5) };
}

/** Median ns of one `step`, over batches for `durationMs`. */
function nsPerStep(durationMs: number, step: (index: number) => void): number {
  const costs: number[] = [];
  const end = performance.now() + durationMs;
  for (let index = 0; performance.now() < end || costs.length < 10; ) {
    const start = performance.now();
    for (const stop = index + BATCH; index < stop; index += 1) step(index);
    costs.push(((performance.now() - start) * 1e6) / BATCH);
  }
  // The first ones run before the code is compiled.
  const warm = costs.slice(Math.floor(costs.length / 4)).sort((a, b) => a - b);
  return warm[Math.floor(warm.length / 2)] as number;
}

/**
 * What a pick costs under a strategy that knows `count` endpoints.
 * @param durationMs how long each of the two figures is measured
 */
export function measurePick(strategyName: string, count: number, durationMs = 300): PickCost {
  const { strategy, inFlight } = setUp(strategyName, count);
  const calls = Array.from({ length: KEYS }, (_, i) => new CallRecord({ hashKey: `customer-${i * 7919}` }));
  const pickNext = (index: number): Endpoint => {
    const picked = strategy.pick(calls[index % KEYS] as CallRecord);
    if (picked === undefined) throw new Error(`${strategyName} picked none of ${count}`);
    return picked;
  };
  const pick = nsPerStep(durationMs, pickNext);
  const cycle = nsPerStep(durationMs, (index) => {
    const picked = pickNext(index);
    picked.inFlight += 1;
    strategy.started?.(picked);
    const oldest = inFlight[index % count] as Endpoint;
    inFlight[index % count] = picked;
    oldest.inFlight -= 1;
    strategy.ended?.(oldest);
  });
  return { pick, cycle };
}
