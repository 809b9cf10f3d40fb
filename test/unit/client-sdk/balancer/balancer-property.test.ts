import { describe, expect, it, jest } from '@jest/globals';
import { InstanceStatus } from '@weft/proto/registry';
import fc from 'fast-check';
import type { Attempt } from '../../../../client-sdk/src/balancer/attempt.ts';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import type { StrategyName } from '../../../../client-sdk/src/balancer/strategies.ts';
import { instance, settle } from '../fixtures.ts';
import { balancer, change, endTurn, list, OK, rotation, useBalancer } from './balancer-harness.ts';

const { INSTANCE_STATUS_RUNNING, INSTANCE_STATUS_STOPPING } = InstanceStatus;
const ids = ['a', 'b', 'c', 'd', 'e'];

const id = fc.constantFrom(...ids);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('join' as const),
      id,
      incarnation: fc.nat(1),
      isReady: fc.constantFrom(true, true, true, false),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('leave' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('update' as const),
      id,
      weight: fc.nat(3),
      isRunning: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('connection' as const),
      id,
      state: fc.constantFrom(
        'ready' as const,
        'ready' as const,
        'connecting' as const,
        'failing' as const,
      ),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      what: fc.constant('pick' as const),
      retryOf: fc.option(fc.nat(20), { freq: 3 }),
      isUnary: fc.boolean(),
      strategy: fc.constantFrom(undefined, undefined, 'round_robin', 'consistent_hash in zone'),
      isSent: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('end' as const),
      which: fc.nat(20),
      code: fc.constantFrom(0, 0, 1, 5, 8, 13, 14, 14, 14),
      restMs: fc.option(fc.integer({ min: 1, max: 2000 }), { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('break' as const), id }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('late' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      ms: fc.constantFrom(10, 250, 1500, 11_000, 61_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('limit' as const),
      most: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('hand' as const), id, isOpen: fc.boolean() }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does what the steps say and checks each pick. */
class World {
  readonly everSeen = new Set<Endpoint>();
  readonly calls: CallRecord[] = [];
  open: Attempt[] = [];
  /** Picks that have not been sent. */
  readonly late: (() => void)[] = [];

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      await this.#do(each);
      for (const endpoint of balancer.endpoints) this.everSeen.add(endpoint);
      this.#check();
    }
  }

  async #do(step: Step): Promise<void> {
    switch (step.what) {
      case 'join': {
        const incarnation = `${step.id}-${step.incarnation}`;
        const zone = step.id < 'c' ? 'z' : 'y';
        change({ put: [instance(step.id, { incarnation, zone })] });
        const joined = this.#find(step.id);
        if (step.isReady && joined) balancer.setConnection(joined, { state: 'ready' });
        return;
      }
      case 'leave':
        return change({ removed: [instance(step.id)] });
      case 'update': {
        const known = this.#find(step.id)?.instance;
        const status = step.isRunning ? INSTANCE_STATUS_RUNNING : INSTANCE_STATUS_STOPPING;
        return known && change({ put: [{ ...known, weight: step.weight, status }] });
      }
      case 'connection': {
        const known = this.#find(step.id);
        return known && balancer.setConnection(known, { state: step.state, error: 'refused' });
      }
      case 'pick':
        return this.#pick(step);
      case 'end': {
        const [attempt] = this.open.splice(step.which % Math.max(1, this.open.length), 1);
        attempt?.end(step.code, { restMs: step.restMs });
        attempt?.end(OK);
        return settle();
      }
      case 'break': {
        const [attempt] = this.open.filter(({ endpoint }) => endpoint.instance.id === step.id);
        for (let i = 0; attempt && i < 6; i += 1) {
          const passage = attempt.endpoint.breaker.admit();
          if (passage) attempt.endpoint.breaker.ended(passage, 'failure');
          await settle();
        }
        return;
      }
      case 'turn':
        return endTurn();
      case 'late':
        endTurn();
        return this.late.pop()?.();
      case 'wait':
        endTurn();
        await jest.advanceTimersByTimeAsync(step.ms);
        return;
      case 'limit':
        return balancer.setPolicy({ ...balancer.policy, maxInFlightPerInstance: step.most });
      case 'hand': {
        const breaker = this.#find(step.id)?.breaker;
        return step.isOpen ? breaker?.open() : breaker?.close();
      }
    }
  }

  #pick({ retryOf, isUnary, strategy, isSent }: Step & { what: 'pick' }): void {
    const retried =
      retryOf === null ? undefined : this.calls[retryOf % Math.max(1, this.calls.length)];
    const call = retried ?? new CallRecord({ isUnary, strategy, hashKey: `${this.calls.length}` });
    const tried = new Set([...balancer.endpoints].filter((each) => call.isExcluded(each)));
    const usable = [...balancer.endpoints].filter(
      (each) =>
        each.isListedForCalls &&
        each.connection.state === 'ready' &&
        each.breaker.state === 'closed' &&
        each.restingUntil === 0 &&
        each.inFlight < balancer.policy.maxInFlightPerInstance &&
        !tried.has(each),
    );
    const probed = new Set([...balancer.endpoints].filter((each) => each.breaker.hasFreeProbe));
    const picked = balancer.pick(call);
    if (picked.kind !== 'attempt') {
      const isPaid = call.made === 0 || call.funded > call.made;
      if (isPaid) expect(usable).toEqual([]);
      return;
    }
    const { endpoint } = picked;
    expect([...balancer.endpoints]).toContain(endpoint);
    expect(endpoint.connection.state).toBe('ready');
    expect(endpoint.isListedForCalls).toBe(true);
    expect(tried.has(endpoint)).toBe(false);
    if (endpoint.breaker.state !== 'closed') {
      expect(probed).toContain(endpoint);
      expect(endpoint.breaker.hasFreeProbe).toBe(false);
    } else expect(usable).toContain(endpoint);
    // Sent in this turn, or later than the balancer counts on.
    const start = () => this.#start(picked, retried === undefined);
    if (isSent) start();
    // Another attempt may have gone there meanwhile.
    else this.late.push(() => call.isExcluded(endpoint) || start());
  }

  #start(picked: Attempt, isFirst: boolean): void {
    picked.start();
    if (isFirst) this.calls.push(picked.call);
    this.open.push(picked);
  }

  /** What is in flight is what was begun and has not ended, and what was picked in this turn. */
  #check(): void {
    let sum = 0;
    for (const each of this.everSeen) {
      const begun = this.open.filter(({ endpoint }) => endpoint === each).length;
      expect(each.inFlight).toBeGreaterThanOrEqual(begun);
      expect(each.awaited).toBeLessThanOrEqual(each.inFlight);
      sum += each.inFlight;
    }
    expect(balancer.inFlight).toBe(sum);
  }

  #find(wanted: string): Endpoint | undefined {
    return [...balancer.endpoints].find(({ instance: { id: known } }) => known === wanted);
  }
}

describe.each<StrategyName>(['least_connections', 'p2c_ewma', 'weighted_round_robin'])(
  'the balancer with %s, over any course of events',
  (strategy) => {
    it('picks only what may be picked, and counts every attempt in and out once', async () => {
      const run = async (steps: readonly Step[]) => {
        useBalancer({ strategy, maxInFlightPerInstance: 3, slowStartMs: 1000 });
        list(...ids.slice(1).map((each) => instance(each, { incarnation: `${each}-0` })));
        const world = new World();
        await world.run(steps);
        endTurn();
        for (const attempt of world.open) attempt.end(OK);
        await settle();
        for (const each of world.everSeen) expect([each.inFlight, each.awaited]).toEqual([0, 0]);
        expect(balancer.inFlight).toBe(0);
        change({ isComplete: true });
        expect(rotation.size).toBe(0);
        expect(balancer.placement).toMatchObject({ pickableCount: 0, listedCount: 0 });
        expect(balancer.placement.sidelined.size + balancer.placement.halfOpen.size).toBe(0);
        balancer.close();
        expect(jest.getTimerCount()).toBe(0);
      };
      const steps = fc.array(step, { minLength: 60, maxLength: 120, size: 'max' });
      await fc.assert(fc.asyncProperty(steps, run), { numRuns: 20 });
    });
  },
);
