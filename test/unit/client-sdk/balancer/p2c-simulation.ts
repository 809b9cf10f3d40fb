import { AverageLatency } from '../../../../client-sdk/src/balancer/average-latency.ts';
import { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { P2cEwma } from '../../../../client-sdk/src/balancer/p2c-ewma.ts';
import { PeakEwma } from '../../../../client-sdk/src/balancer/peak-ewma.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { instance } from '../fixtures.ts';
import { anyone, candidate } from './strategy-fixtures.ts';

/** What becomes of a call: it ends after so long, for better or worse, or never. */
export type Fate = { afterMs: number; isFailure?: boolean } | 'frozen';

/** Behaviour of an endpoint at a time. */
export type Behaviour = (now: number, random: () => number) => Fate;

export interface Picked {
  at: number;
  endpoint: number;
}

interface Running {
  endpoint: Endpoint;
  startedAt: number;
  endsAt: number;
  isFailure: boolean;
}

/** Steady with a little noise, as a healthy server is. */
export function healthy(latencyMs: number): Behaviour {
  return (_now, random) => ({ afterMs: latencyMs * (0.9 + 0.2 * random()) });
}

/**
 * Calls that arrive at random at a fixed rate, whether or not earlier ones have ended, balanced over
 * endpoints that behave so, in a time of its own. Answers who was picked when.
 */
export function simulate(
  behaviours: readonly Behaviour[],
  {
    callsPerSecond,
    durationMs,
    seed = 1,
  }: Record<'callsPerSecond' | 'durationMs', number> & {
    seed?: number;
  },
): Picked[] {
  const random = seededRandom(seed);
  let now = 0;
  const average = new AverageLatency();
  const strategy = new P2cEwma({ now: () => now, random });
  const { breaker } = candidate('any');
  const endpoints = behaviours.map(
    (_, i) => new Endpoint(instance(`e${i}`), breaker, new PeakEwma(now, average)),
  );
  for (const each of endpoints) strategy.add(each);
  let running: Running[] = [];
  const picks: Picked[] = [];
  while (now < durationMs) {
    const next = now - (Math.log(1 - random()) * 1000) / callsPerSecond;
    const ending = running.filter(({ endsAt }) => endsAt <= next);
    if (ending.length > 0) running = running.filter(({ endsAt }) => endsAt > next);
    for (const call of ending.sort((a, b) => a.endsAt - b.endsAt)) end(call);
    now = next;
    const endpoint = strategy.pick(anyone) as Endpoint;
    const index = endpoints.indexOf(endpoint);
    picks.push({ at: now, endpoint: index });
    endpoint.inFlight += 1;
    endpoint.latency.started(now);
    const fate = (behaviours[index] as Behaviour)(now, random);
    const endsAt = fate === 'frozen' ? Number.POSITIVE_INFINITY : now + fate.afterMs;
    const isFailure = fate !== 'frozen' && fate.isFailure === true;
    running.push({ endpoint, startedAt: now, endsAt, isFailure });
  }
  return picks;

  function end({ endpoint, startedAt, endsAt, isFailure }: Running): void {
    endpoint.inFlight -= 1;
    if (isFailure) endpoint.latency.failed(startedAt, endsAt);
    else endpoint.latency.ended(startedAt, endsAt, endsAt - startedAt);
  }
}

/** Times at which `endpoint` was picked, from `from` on. */
export function timesOf(picks: readonly Picked[], endpoint: number, from = 0): number[] {
  return picks.filter((each) => each.endpoint === endpoint && each.at >= from).map(({ at }) => at);
}

/** Share of the picks that went to `endpoint`, from `from` on. */
export function shareOf(picks: readonly Picked[], endpoint: number, from = 0): number {
  return timesOf(picks, endpoint, from).length / picks.filter(({ at }) => at >= from).length;
}
