import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Breaker } from '../../../../client-sdk/src/breaker/breaker.ts';
import {
  WINDOW_BUCKETS,
  WindowRotation,
} from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { breakerSettings, settle } from '../fixtures.ts';

const { windowMs } = breakerSettings;
const stepMs = windowMs / WINDOW_BUCKETS;

let rotation: WindowRotation;

beforeEach(() => {
  jest.useFakeTimers();
  rotation = new WindowRotation(windowMs);
});

afterEach(() => {
  rotation.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function create(): Breaker {
  return new Breaker(breakerSettings, rotation, () => {});
}

/** One failure: not enough to open it. */
function tell(breaker: Breaker): void {
  const passage = breaker.admit();
  if (passage !== undefined) breaker.ended(passage, 'failure');
}

describe('WindowRotation', () => {
  it('calls each once a step, however often it was added', () => {
    const roll = jest.fn();
    rotation.add(roll);
    rotation.add(roll);
    jest.advanceTimersByTime(windowMs);
    expect(roll).toHaveBeenCalledTimes(WINDOW_BUCKETS);
    rotation.delete(roll);
    jest.advanceTimersByTime(windowMs);
    expect(roll).toHaveBeenCalledTimes(WINDOW_BUCKETS);
  });

  it('has a timer only while there is something to roll', () => {
    expect(jest.getTimerCount()).toBe(0);
    const [first, second] = [() => {}, () => {}];
    rotation.add(first);
    rotation.add(second);
    expect(jest.getTimerCount()).toBe(1);
    rotation.delete(first);
    expect(jest.getTimerCount()).toBe(1);
    rotation.delete(second);
    expect(jest.getTimerCount()).toBe(0);
    rotation.add(first);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('lets one take itself out while it is rolled', () => {
    const other = jest.fn();
    const leaving = jest.fn(() => rotation.delete(leaving));
    rotation.add(leaving);
    rotation.add(other);
    jest.advanceTimersByTime(2 * stepMs);
    expect(leaving).toHaveBeenCalledTimes(1);
    expect(other).toHaveBeenCalledTimes(2);
  });
});

describe('the windows of breakers', () => {
  it('are rolled by one timer, and only of those that were told of an outcome', () => {
    const breakers = Array.from({ length: 100 }, create);
    expect(jest.getTimerCount()).toBe(0);
    for (const breaker of breakers.slice(0, 40)) tell(breaker);
    expect(jest.getTimerCount()).toBe(1);
    expect(rotation.size).toBe(40);
    for (const breaker of breakers) breaker.dispose();
    expect(rotation.size).toBe(0);
  });

  it('leave when nothing has been in them for their length, and come back with the next outcome', async () => {
    const breaker = create();
    tell(breaker);
    await settle();
    jest.advanceTimersByTime(windowMs / 2);
    tell(breaker);
    await settle();
    jest.advanceTimersByTime(windowMs - stepMs);
    expect(breaker.failures).toBe(1);
    expect(rotation.size).toBe(1);
    jest.advanceTimersByTime(2 * stepMs);
    expect(breaker.failures).toBe(0);
    expect(rotation.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
    tell(breaker);
    await settle();
    expect(breaker.failures).toBe(1);
    expect(rotation.size).toBe(1);
    breaker.dispose();
  });

  it('stay as few as there are breakers, though 10,000 come and go', async () => {
    for (let i = 0; i < 10_000; i += 1) {
      const breaker = create();
      tell(breaker);
      breaker.dispose();
    }
    await settle();
    expect(rotation.size).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });
});
