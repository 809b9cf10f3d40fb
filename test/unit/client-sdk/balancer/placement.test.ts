import { beforeEach, describe, expect, it } from '@jest/globals';
import { InstanceStatus } from '@weft/proto/registry';
import type { Endpoint } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { Placement } from '../../../../client-sdk/src/balancer/placement.ts';
import type { Strategy } from '../../../../client-sdk/src/balancer/strategy.ts';
import { readyEndpoint } from '../fixtures.ts';
import { anyone, except } from './strategy-fixtures.ts';

/** Writes down what a strategy is told. */
class Recorder implements Strategy {
  readonly told: string[] = [];
  readonly #note = (what: string) => (endpoint: Endpoint) =>
    void this.told.push(`${what} ${endpoint.instance.id}`);
  listed = this.#note('listed');
  unlisted = this.#note('unlisted');
  add = this.#note('add');
  remove = this.#note('remove');

  pick(): undefined {
    return undefined;
  }
}

let recorder: Recorder;
let placement: Placement;

beforeEach(() => {
  recorder = new Recorder();
  const strategies = new Map([['recorder', recorder]]);
  placement = new Placement(strategies, { panicThreshold: 0.5, maxInFlightPerInstance: 2 });
});

/** Connected endpoints that are placed. */
function place(...ids: string[]): Endpoint[] {
  const endpoints = ids.map((id) => readyEndpoint(id));
  for (const each of endpoints) placement.place(each);
  recorder.told.length = 0;
  return endpoints;
}

function eject(...endpoints: Endpoint[]): void {
  for (const each of endpoints) {
    each.ejectedUntil = 1000;
    placement.place(each);
  }
}

function ids(endpoints: Iterable<Endpoint>): string[] {
  return [...endpoints].map(({ instance }) => instance.id).sort();
}

describe('what a strategy is told', () => {
  it('is of each endpoint once: listed before added, removed before unlisted', () => {
    const a = readyEndpoint('a');
    a.connection = { state: 'connecting' };
    placement.place(a);
    expect(recorder.told.splice(0)).toEqual(['listed a']);
    a.connection = { state: 'ready' };
    placement.place(a);
    placement.place(a);
    expect(recorder.told.splice(0)).toEqual(['add a']);
    a.instance = { ...a.instance, status: InstanceStatus.INSTANCE_STATUS_STOPPING };
    placement.place(a);
    expect(recorder.told.splice(0)).toEqual(['remove a', 'unlisted a']);
    placement.remove(a);
    placement.remove(a);
    expect(recorder.told).toEqual([]);
  });

  it('is all of it when it comes later', () => {
    const [a] = place('a', 'b');
    const failing = readyEndpoint('c');
    failing.connection = { state: 'failing', error: 'refused' };
    placement.place(failing);
    const later = new Recorder();
    placement.introduce(later);
    expect(later.told).toEqual(['listed a', 'add a', 'listed b', 'add b', 'listed c']);
    placement.remove(a as Endpoint);
    expect(recorder.told.slice(-2)).toEqual(['remove a', 'unlisted a']);
  });
});

describe('a half-open breaker', () => {
  it('keeps its endpoint out of the picks and among those to probe, while it is connected', () => {
    const [a] = place('a', 'b') as [Endpoint];
    a.breaker.open();
    placement.place(a);
    expect(a.isPickable).toBe(false);
    expect(placement.halfOpen.size).toBe(0);
    a.breaker.close();
    Object.defineProperty(a.breaker, 'state', { value: 'half-open', configurable: true });
    placement.place(a);
    expect(ids(placement.halfOpen)).toEqual(['a']);
    expect(ids(placement.pickable)).toEqual(['b']);
    a.connection = { state: 'connecting' };
    placement.place(a);
    expect(placement.halfOpen.size).toBe(0);
    a.connection = { state: 'ready' };
    placement.place(a);
    expect(placement.halfOpen.size).toBe(1);
    placement.remove(a);
    expect(placement.halfOpen.size).toBe(0);
    expect(placement.listedCount).toBe(1);
  });
});

describe('the in-flight limit', () => {
  it('takes an endpoint out at the limit and puts it back below', () => {
    const [a] = place('a', 'b') as [Endpoint];
    a.inFlight = 2;
    placement.inFlightChanged(a);
    expect(ids(placement.pickable)).toEqual(['b']);
    expect(ids(placement.usable())).toEqual(['a', 'b']);
    placement.place(a);
    expect(a.isPickable).toBe(false);
    a.inFlight = 1;
    placement.inFlightChanged(a);
    expect(recorder.told).toEqual(['remove a', 'add a']);
  });

  it('does not bring back one that is gone', () => {
    const [a] = place('a') as [Endpoint];
    a.inFlight = 2;
    placement.inFlightChanged(a);
    placement.remove(a);
    a.inFlight = 1;
    placement.inFlightChanged(a);
    expect(placement.pickableCount).toBe(0);
    expect(recorder.told).toEqual(['remove a', 'unlisted a']);
  });

  it('follows a change of the limits with the next placing', () => {
    const [a] = place('a') as [Endpoint];
    a.inFlight = 3;
    placement.limits = { panicThreshold: 0.5, maxInFlightPerInstance: 3 };
    placement.place(a);
    expect(a.isPickable).toBe(false);
    placement.limits = { panicThreshold: 0.5, maxInFlightPerInstance: 4 };
    placement.place(a);
    expect(a.isPickable).toBe(true);
  });
});

describe('panic (F8)', () => {
  it('begins when fewer than the threshold are healthy, and uses the sidelined', () => {
    const [a, b, c, d] = place('a', 'b', 'c', 'd') as [Endpoint, Endpoint, Endpoint, Endpoint];
    eject(a, b);
    expect(placement.isPanicking).toBe(false);
    expect(ids(placement.pickable)).toEqual(['c', 'd']);
    c.connection = { state: 'failing', error: 'refused' };
    placement.place(c);
    expect(placement.isPanicking).toBe(true);
    expect(ids(placement.pickable)).toEqual(['a', 'b', 'd']);
    eject(d);
    expect(ids(placement.pickable)).toEqual(['a', 'b', 'd']);
    expect(ids(placement.sidelined)).toEqual(['a', 'b', 'd']);
  });

  it('ends when enough are healthy again, and leaves the sidelined out', () => {
    const [a, b, c] = place('a', 'b', 'c') as [Endpoint, Endpoint, Endpoint];
    eject(a, b);
    expect(placement.isPanicking).toBe(true);
    b.ejectedUntil = 0;
    placement.place(b);
    expect(placement.isPanicking).toBe(false);
    expect(ids(placement.pickable)).toEqual(['b', 'c']);
    placement.remove(b);
    placement.remove(c);
    expect(placement.isPanicking).toBe(true);
    expect(ids(placement.pickable)).toEqual(['a']);
  });

  it('uses none whose breaker is open, that is not connected, drains or is full', () => {
    const [a, b, c, d, e] = place('a', 'b', 'c', 'd', 'e') as [Endpoint, ...Endpoint[]] &
      Endpoint[];
    for (const each of [a, b, c, d, e]) (each as Endpoint).ejectedUntil = 5;
    (a as Endpoint).breaker.open();
    (b as Endpoint).connection = { state: 'failing', error: 'refused' };
    (c as Endpoint).instance = { ...(c as Endpoint).instance, weight: 0 };
    (d as Endpoint).inFlight = 2;
    for (const each of [a, b, c, d, e]) placement.place(each as Endpoint);
    expect(placement.isPanicking).toBe(true);
    expect(ids(placement.pickable)).toEqual(['e']);
  });

  it('is never with a threshold of 0', () => {
    placement.limits = { panicThreshold: 0, maxInFlightPerInstance: 2 };
    const endpoints = place('a', 'b');
    eject(...endpoints);
    expect(placement.isPanicking).toBe(false);
    expect(placement.pickableCount).toBe(0);
  });

  it('does not count those that drain', () => {
    const [a, b, c] = place('a', 'b', 'c') as [Endpoint, Endpoint, Endpoint];
    b.instance = { ...b.instance, weight: 0 };
    c.instance = { ...c.instance, status: InstanceStatus.INSTANCE_STATUS_STARTING };
    placement.place(b);
    placement.place(c);
    expect(placement.listedCount).toBe(1);
    expect(placement.isPanicking).toBe(false);
    expect(ids(placement.pickable)).toEqual([a.instance.id]);
  });
});

describe('lastResort', () => {
  it('is a sidelined endpoint that could take the call', () => {
    const [a, b] = place('a', 'b', 'c', 'd') as [Endpoint, Endpoint];
    expect(placement.lastResort(anyone)).toBeUndefined();
    eject(a, b);
    const taken = [placement.lastResort(anyone), placement.lastResort(anyone)];
    expect(new Set(taken)).toEqual(new Set([a, b]));
    expect(placement.lastResort(except(a))).toBe(b);
    expect(placement.lastResort(except(a, b))).toBeUndefined();
    a.inFlight = 2;
    b.connection = { state: 'failing', error: 'refused' };
    expect(placement.lastResort(anyone)).toBeUndefined();
  });
});

describe('10,000 endpoints that come and go', () => {
  it('leave nothing behind', () => {
    for (let i = 0; i < 10_000; i += 1) {
      const each = readyEndpoint(`e${i}`);
      if (i % 3 === 0) each.restingUntil = 1;
      placement.place(each);
      placement.remove(each);
    }
    expect(placement).toMatchObject({ pickableCount: 0, listedCount: 0, isPanicking: false });
    expect(placement.sidelined.size).toBe(0);
    const later = new Recorder();
    placement.introduce(later);
    expect(later.told).toEqual([]);
  });
});
