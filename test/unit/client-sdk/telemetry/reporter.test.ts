import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  type BreakerOrder,
  BreakerState,
  EventKind,
  type ReportRequest,
} from '@weft/proto/telemetry';
import type { BreakerView } from '../../../../client-sdk/src/breaker/breaker-view.ts';
import { createMeshEvents } from '../../../../client-sdk/src/mesh-events.ts';
import { Reporter } from '../../../../client-sdk/src/telemetry/reporter.ts';
import { TrafficCounter } from '../../../../client-sdk/src/telemetry/traffic-counter.ts';
import { endpoint } from '../fixtures.ts';

let counter: TrafficCounter;
let events: ReturnType<typeof createMeshEvents>;
let breakers: Partial<BreakerView>[];
let reports: ReportRequest[];
let answer: () => Promise<BreakerOrder[]>;
let reporter: Reporter;

beforeEach(() => {
  jest.useFakeTimers();
  counter = new TrafficCounter();
  events = createMeshEvents();
  breakers = [];
  reports = [];
  answer = async () => [];
  reporter = new Reporter({
    counter,
    events,
    breakers: () => breakers as BreakerView[],
    caller: () => ({ service: 'shop', instanceId: 'shop-1' }),
    intervalMs: 2000,
    send: (report) => {
      reports.push(report);
      return answer();
    },
  });
});

afterEach(() => {
  reporter.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
const callOnce = () => {
  const a = endpoint('a');
  counter.started(a, '/x.Y/Get', false, 0);
  counter.count(a, '/x.Y/Get', 0, 1, 0);
};

describe('a reporter', () => {
  it('tells what was counted since the last report, and who counted it', async () => {
    callOnce();
    await pass(1999);
    expect(reports).toEqual([]);
    await pass(1);
    expect(reports).toMatchObject([
      { caller: { service: 'shop', instanceId: 'shop-1' }, intervalMs: 2000, breakers: [] },
    ]);
    expect(reports[0]?.edges).toHaveLength(1);
  });

  it('says nothing when there is nothing to tell', async () => {
    await pass(20_000);
    expect(reports).toEqual([]);
    callOnce();
    await pass(2000);
    expect(reports).toMatchObject([{ intervalMs: 2000 }]);
  });

  it('tells breakers for as long as they are not closed, and once more after', async () => {
    breakers = [
      { service: 'echo', instanceId: 'a', state: 'open' },
      { service: 'echo', instanceId: 'b', state: 'closed' },
    ];
    await pass(4000);
    const open = { service: 'echo', instanceId: 'a', state: BreakerState.BREAKER_STATE_OPEN };
    expect(reports.map((report) => report.breakers)).toEqual([[open], [open]]);
    breakers = [];
    await pass(20_000);
    expect(reports.slice(2)).toMatchObject([{ breakers: [] }]);
  });

  it('tells events soon, together with those that follow at once', async () => {
    const of = { service: 'echo', instanceId: 'a' };
    await pass(300);
    events.emit('breakerChanged', { ...of, from: 'closed', to: 'open' });
    await pass(100);
    events.emit('instanceEjected', { ...of, reason: 'failures in a row', forMs: 10_000 });
    events.emit('instanceReturned', of);
    await pass(100);
    expect(reports).toHaveLength(1);
    expect(reports[0]?.events).toMatchObject([
      { kind: EventKind.EVENT_KIND_BREAKER_OPENED, ...of, detail: 'closed -> open' },
      { kind: EventKind.EVENT_KIND_EJECTED, ...of, detail: 'failures in a row, for 10 s' },
      { kind: EventKind.EVENT_KIND_RETURNED, ...of },
    ]);
  });

  it('keeps the latest events only, however many there are', async () => {
    for (let id = 0; id < 5000; id += 1) {
      events.emit('instanceReturned', { service: 'echo', instanceId: `e${id}` });
    }
    await pass(200);
    expect(reports[0]?.events).toHaveLength(1000);
    expect(reports[0]?.events.at(-1)?.instanceId).toBe('e4999');
  });

  it('drops what cannot be handed over, and has one report under way at a time', async () => {
    const hung = Promise.withResolvers<BreakerOrder[]>();
    answer = () => hung.promise;
    callOnce();
    await pass(2000);
    events.emit('instanceReturned', { service: 'echo', instanceId: 'a' });
    callOnce();
    await pass(20_000);
    expect(reports).toHaveLength(1);
    answer = () => Promise.reject(new Error('away'));
    hung.reject(new Error('too late'));
    await pass(200);
    expect(reports).toHaveLength(2);
    callOnce();
    await pass(2000);
    expect(reports).toHaveLength(3);
  });
});
