import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { EarliestTimer } from '../../../../client-sdk/src/balancer/earliest-timer.ts';
import type { Connection } from '../../../../client-sdk/src/balancer/endpoint.ts';
import { FIRST_PICKS_MS, FirstPicks } from '../../../../client-sdk/src/balancer/first-picks.ts';
import { endpoint } from '../fixtures.ts';

let released: number;
let firstPicks: FirstPicks;

beforeEach(() => {
  jest.useFakeTimers();
  released = 0;
  firstPicks = new FirstPicks(() => {
    released += 1;
  });
});

afterEach(() => {
  firstPicks.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function endpointsIn(...states: Connection['state'][]) {
  return states.map((state, index) =>
    Object.assign(endpoint(`e${index}`), { connection: { state, error: 'refused' } }),
  );
}

it('first picks wait until every endpoint is connected, or has failed to', () => {
  firstPicks.update([]);
  expect(firstPicks.areHeld).toBe(false);
  firstPicks.update(endpointsIn('ready', 'connecting', 'failing'));
  expect(firstPicks.areHeld).toBe(true);
  firstPicks.update(endpointsIn('ready', 'ready', 'failing'));
  expect(firstPicks.areHeld).toBe(false);
  // An endpoint that comes later holds up nobody.
  firstPicks.update(endpointsIn('ready', 'connecting'));
  expect(firstPicks.areHeld).toBe(false);
  expect(released).toBe(0);
});

it('first picks wait for no longer than 250 ms', () => {
  firstPicks.update(endpointsIn('ready', 'connecting'));
  jest.advanceTimersByTime(FIRST_PICKS_MS - 1);
  firstPicks.update(endpointsIn('ready', 'connecting'));
  expect(firstPicks.areHeld).toBe(true);
  jest.advanceTimersByTime(1);
  expect(firstPicks.areHeld).toBe(false);
  expect(released).toBe(1);
});

it('first picks do not wait for an endpoint that takes no calls', () => {
  const [drained] = endpointsIn('connecting');
  if (drained !== undefined) drained.instance = { ...drained.instance, weight: 0 };
  firstPicks.update([...endpointsIn('ready'), ...(drained ? [drained] : [])]);
  expect(firstPicks.areHeld).toBe(false);
});

it('a timer for the earliest of several times runs once for each time that is due', () => {
  let runs = 0;
  const timer = new EarliestTimer(() => {
    runs += 1;
  });
  timer.fireIn(100, 0);
  timer.fireIn(50, 0);
  timer.fireIn(70, 0);
  jest.advanceTimersByTime(50);
  expect(runs).toBe(1);
  jest.advanceTimersByTime(1000);
  expect(runs).toBe(1);
  timer.fireIn(10, 1050);
  timer.close();
  jest.advanceTimersByTime(1000);
  expect(runs).toBe(1);
});
