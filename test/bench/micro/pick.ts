import { CallRecord } from '../../../client-sdk/src/balancer/call-record.ts';
import { Endpoint } from '../../../client-sdk/src/balancer/endpoint.ts';
import { createStrategy } from '../../../client-sdk/src/balancer/strategies.ts';
import { Breaker } from '../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../client-sdk/src/breaker/window-rotation.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { breakerSettings, instances } from './core.ts';

const AT_ONCE = 32;
const KEYS = 4096;

/**
 * What a strategy's choice costs, in ns, among `count` endpoints with 32 calls in flight: the pick,
 * and what the strategy is told when its call starts and when it ends.
 */
export function pick({
  strategy: name,
  count,
  budgetMs,
}: {
  strategy: string;
  count: number;
  budgetMs: number;
}): number {
  const random = seededRandom(count);
  const strategy = createStrategy(name, { now: () => performance.now(), random });
  const rotation = new WindowRotation(breakerSettings.windowMs);
  for (const instance of instances(count)) {
    const breaker = new Breaker(breakerSettings, rotation, () => {});
    strategy.add(new Endpoint(instance, breaker));
  }
  const calls = Array.from(
    { length: KEYS },
    (_, index) => new CallRecord({ hashKey: `user-${index}` }),
  );
  const inFlight: Endpoint[] = [];
  let next = 0;
  const pickOne = () => {
    const call = calls[next % KEYS] as CallRecord;
    const picked = strategy.pick(call);
    if (picked === undefined) throw new Error(`${name} picks nothing`);
    picked.inFlight += 1;
    strategy.started?.(picked);
    const slot = next % AT_ONCE;
    const ended = inFlight[slot];
    if (ended !== undefined) {
      ended.inFlight -= 1;
      strategy.ended?.(ended);
    }
    inFlight[slot] = picked;
    next += 1;
  };
  const run = (ms: number) => {
    const start = performance.now();
    const end = start + ms;
    let picks = 0;
    while (performance.now() < end) {
      for (let i = 0; i < 500; i += 1) pickOne();
      picks += 500;
    }
    return ((performance.now() - start) * 1e6) / picks;
  };
  run(budgetMs / 2);
  return run(budgetMs);
}
