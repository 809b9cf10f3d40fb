import { beforeEach, describe, expect, it } from '@jest/globals';
import { BreakerState, type Edge, type ReportRequest } from '@weft/proto/telemetry';
import { TrafficBook } from '../../../../registry/src/telemetry/traffic-book.ts';

let now: number;
let book: TrafficBook;

beforeEach(() => {
  now = 100_000;
  book = new TrafficBook({ now: () => now, maxEdges: 3, maxCallers: 2 });
});

function edge(instanceId: string, statuses: [number, bigint][], buckets: [number, bigint][]): Edge {
  return {
    service: 'user-service',
    instanceId,
    method: '/user.v1.UserService/GetUser',
    statuses: new Map(statuses),
    latency: { counts: new Map(buckets), sumMs: 0 },
  };
}

function report(caller: string, parts: Partial<ReportRequest> = {}): void {
  const who = { service: caller, instanceId: `${caller}-1` };
  book.add({ caller: who, intervalMs: 2000, edges: [], breakers: [], events: [], ...parts });
}

const all = () => book.edges((each) => each);
const total = () =>
  book.edges(({ service }) => ({ caller: undefined, service, instanceId: '', method: '' }));

describe('a traffic book', () => {
  it('tells rates over what a caller has been heard of, up to ten seconds', () => {
    report('order-service', { edges: [edge('a', [[0, 20n]], [[0, 20n]])] });
    expect(all()).toMatchObject([{ instanceId: 'a', rate: 10, errorRate: 0 }]);
    for (let round = 0; round < 9; round += 1) {
      now += 2000;
      report('order-service', { edges: [edge('a', [[0, 20n]], [[0, 20n]])] });
    }
    expect(all()[0]?.rate).toBeCloseTo(10, 5);
    now += 20_000;
    expect(all()).toEqual([]);
    expect(book.size).toBe(0);
  });

  it.each([500, 2000, 7000, 10_000, 30_000, 60_000])(
    'tells the true rate of a caller that reports every %d ms, also between its reports',
    (intervalMs) => {
      const perInterval = BigInt(intervalMs / 100);
      const busyMs = 3 * intervalMs;
      const told: (readonly [rate: number, inFlight: number])[] = [];
      for (let round = 0; round < 4; round += 1) {
        now += intervalMs;
        const edges = [{ ...edge('a', [[0, perInterval]], []), busyMs }];
        report('order-service', { intervalMs, edges });
        // A report may be late by a fifth.
        for (let part = 0; part <= 12; part += 1) {
          now += intervalMs / 10;
          told.push(...total().map(({ rate, inFlight }) => [rate, inFlight] as const));
        }
        now -= (13 * intervalMs) / 10;
      }
      expect(told).toHaveLength(4 * 13);
      for (const [rate, inFlight] of told) {
        expect(rate).toBeCloseTo(10, 5);
        expect(inFlight).toBeCloseTo(3, 5);
      }
    },
  );

  it('tells the true rate between a report made early for an event and the next one', () => {
    for (let round = 0; round < 5; round += 1) {
      now += 2000;
      report('order-service', { edges: [edge('a', [[0, 20n]], [])] });
    }
    now += 200;
    report('order-service', { intervalMs: 200, edges: [edge('a', [[0, 2n]], [])] });
    for (const ms of [500, 500, 900]) {
      now += ms;
      expect(total()[0]?.rate).toBeCloseTo(10, 5);
    }
  });

  it('adds up callers that report at different intervals', () => {
    for (let second = 1; second <= 60; second += 1) {
      now += 1000;
      if (second % 2 === 0) report('order-service', { edges: [edge('a', [[0, 20n]], [])] });
      if (second % 30 === 0) {
        const edges = [edge('a', [[0, 300n]], [])];
        report('payment-service', { intervalMs: 30_000, edges });
      }
    }
    expect(total()[0]?.rate).toBeCloseTo(20, 5);
  });

  it('tells of less and less when a caller is heard of no more, and then of nothing', () => {
    const intervalMs = 30_000;
    const edges = [edge('a', [[0, 300n]], [])];
    now += intervalMs;
    report('order-service', { intervalMs, edges });
    const rates = [30, 30, 30].map((seconds) => {
      now += seconds * 1000;
      return total()[0]?.rate ?? 0;
    });
    expect(rates[0]).toBeCloseTo(10, 5);
    expect(rates[1]).toBeLessThan(10);
    expect(rates[2]).toBe(0);
    expect(book.size).toBe(0);
  });

  it('holds the breakers of a caller that reports once a minute', () => {
    const breaker = {
      service: 'user-service',
      instanceId: 'a',
      state: BreakerState.BREAKER_STATE_OPEN,
      isForced: false,
    };
    report('order-service', { intervalMs: 60_000, breakers: [breaker] });
    now += 62_000;
    expect(book.breakers()).toHaveLength(1);
    now += 100_000;
    expect(book.breakers()).toEqual([]);
  });

  it('counts as errors what counts against a breaker, and nothing else', () => {
    const statuses: [number, bigint][] = [0, 2, 4, 8, 13, 14, 15, 3, 5, 16].map((code) => [
      code,
      1n,
    ]);
    report('order-service', { edges: [edge('a', statuses, [])] });
    expect(all()).toMatchObject([{ rate: 5, errorRate: 3 }]);
  });

  it('tells how many are under way: of clients that do not know, by how long those took that have ended', () => {
    const [a, b] = [edge('a', [], []), edge('b', [[0, 2n]], [[39, 2n]])];
    const latency = { counts: new Map([[39, 2n]]), sumMs: 2000 };
    report('order-service', {
      edges: [
        { ...a, busyMs: 5000 },
        { ...b, latency },
      ],
    });
    expect(all()).toMatchObject([
      { instanceId: 'a', rate: 0, inFlight: 2.5 },
      { instanceId: 'b', rate: 1, inFlight: 1 },
    ]);
  });

  it('reads percentiles off the sum of the histograms', () => {
    report('order-service', {
      edges: [edge('a', [[0, 90n]], [[0, 90n]]), edge('b', [[0, 10n]], [[40, 10n]])],
    });
    const [sum] = total();
    expect(sum?.p50Ms).toBeGreaterThanOrEqual(1);
    expect(sum?.p50Ms).toBeLessThan(1.19);
    expect(sum?.p99Ms).toBeGreaterThanOrEqual(1024);
    expect(sum?.p99Ms).toBeLessThan(1218);
  });

  it('takes callers together, or keeps them apart', () => {
    report('order-service', { edges: [edge('a', [[0, 2n]], [])] });
    report('payment-service', { edges: [edge('a', [[0, 4n]], [])] });
    expect(total()).toMatchObject([{ rate: 3 }]);
    expect(all().map(({ caller, rate }) => [caller?.service, rate])).toEqual([
      ['order-service', 1],
      ['payment-service', 2],
    ]);
  });

  it('holds the breakers of a report until the next, or until its caller is silent', () => {
    const breaker = {
      service: 'user-service',
      instanceId: 'a',
      state: BreakerState.BREAKER_STATE_OPEN,
      isForced: false,
    };
    report('order-service', { breakers: [breaker] });
    const [first] = book.breakers();
    expect(first).toMatchObject({ caller: { service: 'order-service' }, breaker });
    now += 2000;
    report('order-service', { breakers: [breaker] });
    expect(book.breakers()[0]?.since).toBe(first?.since);
    report('order-service', {});
    expect(book.breakers()).toEqual([]);
    report('order-service', { breakers: [breaker] });
    now += 15_001;
    expect(book.breakers()).toEqual([]);
  });

  it('drops what is over its limits, and counts that', () => {
    const edges = ['a', 'b', 'c', 'd', 'e'].map((id) => edge(id, [[0, 1n]], []));
    report('order-service', { edges });
    expect([book.size, book.dropped]).toEqual([3, 2]);
    report('payment-service');
    report('third-service');
    expect(book.dropped).toBe(3);
    // Those held go on counting.
    report('order-service', { edges });
    expect(all()[0]?.rate).toBe(1);
  });
});
