import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Breaker, type Passage } from '../../../../client-sdk/src/breaker/breaker.ts';
import type { Outcome } from '../../../../client-sdk/src/breaker/classify.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { breakerSettings, settle } from '../fixtures.ts';

let rotation: WindowRotation;
let breaker: Breaker;
let changes: string[];

beforeEach(() => {
  jest.useFakeTimers();
  rotation = new WindowRotation(breakerSettings.windowMs);
  changes = [];
  breaker = new Breaker(breakerSettings, rotation, () => changes.push(breaker.state));
});

afterEach(() => {
  breaker.dispose();
  rotation.close();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function begin(): Passage {
  const passage = breaker.admit();
  if (passage === undefined) throw new Error(`refused while ${breaker.state}`);
  return passage;
}

async function tell(...outcomes: Outcome[]): Promise<void> {
  for (const outcome of outcomes) {
    breaker.ended(begin(), outcome);
    await settle();
  }
}

const five = Array.from({ length: 5 }, (): Outcome => 'failure');

async function halfOpen(): Promise<void> {
  await tell(...five);
  await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
  expect(breaker.state).toBe('half-open');
}

describe('closed', () => {
  it('opens at the fifth failure, not before', async () => {
    await tell(...five.slice(1));
    expect(breaker.state).toBe('closed');
    await tell('failure');
    expect(breaker.state).toBe('open');
    expect(breaker.admit()).toBeUndefined();
    expect(changes).toEqual(['open']);
  });

  it('opens once when many failures come in the same turn', async () => {
    const passages = Array.from({ length: 20 }, begin);
    for (const passage of passages) breaker.ended(passage, 'failure');
    await settle();
    expect(changes).toEqual(['open']);
  });

  it('stays closed while no more than half of the outcomes are failures', async () => {
    for (let i = 0; i < 20; i += 1) await tell('success', 'failure');
    expect(breaker.state).toBe('closed');
    await tell('failure');
    expect(breaker.state).toBe('open');
  });

  it('does not count neutral outcomes at all', async () => {
    await tell(...Array.from({ length: 50 }, (): Outcome => 'neutral'));
    await tell(...five.slice(1));
    expect(breaker.state).toBe('closed');
    await tell('neutral', 'failure');
    expect(breaker.state).toBe('open');
  });

  it('forgets what is older than the window', async () => {
    await tell(...five.slice(1));
    await jest.advanceTimersByTimeAsync(breakerSettings.windowMs);
    await tell('failure');
    expect(breaker.state).toBe('closed');
  });

  it('remembers what is within the window', async () => {
    await tell(...five.slice(1));
    await jest.advanceTimersByTimeAsync(breakerSettings.windowMs / 2);
    await tell('failure');
    expect(breaker.state).toBe('open');
  });
});

describe('open', () => {
  it('is half-open after the reset time', async () => {
    await tell(...five);
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs - 1);
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(1);
    expect(changes).toEqual(['open', 'half-open']);
  });

  it.each<Outcome>(['success', 'failure'])('drops a %s that started before', async (outcome) => {
    const early = [begin(), begin()] as const;
    await tell(...five);
    breaker.ended(early[0], outcome);
    await settle();
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    breaker.ended(early[1], outcome);
    await settle();
    expect(breaker.state).toBe('half-open');
    expect(breaker.hasFreeProbe).toBe(true);
  });
});

describe('half-open', () => {
  beforeEach(halfOpen);

  it('lets one probe pass, and closes when it succeeds', async () => {
    const probe = begin();
    expect(breaker.hasFreeProbe).toBe(false);
    expect(breaker.admit()).toBeUndefined();
    breaker.ended(probe, 'success');
    await settle();
    expect(changes).toEqual(['open', 'half-open', 'closed']);
  });

  it('opens again when it fails, for another reset time', async () => {
    await tell('failure');
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs - 1);
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(1);
    expect(breaker.hasFreeProbe).toBe(true);
  });

  it('probes again after a neutral outcome', async () => {
    await tell('neutral');
    expect(breaker.state).toBe('half-open');
    await tell('success');
    expect(breaker.state).toBe('closed');
  });

  it('counts a probe that hangs as failed, and what it ends with later not at all', async () => {
    const probe = begin();
    await jest.advanceTimersByTimeAsync(breakerSettings.probeTimeoutMs);
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(breakerSettings.resetMs);
    breaker.ended(probe, 'success');
    await settle();
    expect(breaker.state).toBe('half-open');
  });

  it('K2: counts a probe that hangs as a success if it is a stream, which need not respond', async () => {
    const probe = breaker.admit(false);
    expect(probe).toBeDefined();
    await jest.advanceTimersByTimeAsync(breakerSettings.probeTimeoutMs);
    expect(breaker.state).toBe('closed');
  });

  it('gives a probe that was never sent to the next', async () => {
    breaker.ended(begin(), 'neutral');
    expect(breaker.state).toBe('half-open');
    expect(breaker.hasFreeProbe).toBe(true);
    breaker.ended(begin(), 'success');
    await settle();
    expect(breaker.state).toBe('closed');
  });

  it('takes five failures again once closed, however recent the old ones', async () => {
    const quick = { ...breakerSettings, resetMs: 100 };
    const other = new Breaker(quick, rotation, () => {});
    const [mine, old] = [breaker, other];
    breaker = old;
    await tell(...five);
    await jest.advanceTimersByTimeAsync(100);
    await tell('success', ...five.slice(1));
    expect(other.state).toBe('closed');
    await tell('failure');
    expect(other.state).toBe('open');
    breaker = mine;
    other.dispose();
  });
});

describe('dispose', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['closed', async () => {}],
    ['open', () => tell(...five)],
    ['half-open', halfOpen],
    ['half-open with a probe under way', () => halfOpen().then(begin)],
  ])('leaves no timer and no listener when %s', async (_state, reach) => {
    await reach();
    const seen = changes.length;
    breaker.dispose();
    expect(rotation.size).toBe(0);
    rotation.close();
    expect(jest.getTimerCount()).toBe(0);
    expect(changes).toHaveLength(seen);
  });

  it('is not disturbed by outcomes told just before and after', async () => {
    const late = begin();
    for (let i = 0; i < 5; i += 1) breaker.ended(begin(), 'failure');
    breaker.dispose();
    breaker.ended(late, 'failure');
    await settle();
    expect(changes).toEqual([]);
  });
});
