import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Breaker, type Passage } from '../../../../client-sdk/src/breaker/breaker.ts';
import { breakerView } from '../../../../client-sdk/src/breaker/breaker-view.ts';
import type { Outcome } from '../../../../client-sdk/src/breaker/classify.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { breakerSettings, endpoint, settle } from '../fixtures.ts';

const { resetMs, probeTimeoutMs } = breakerSettings;

let rotation: WindowRotation;
let breaker: Breaker;
let changes: string[];

beforeEach(() => {
  jest.useFakeTimers();
  rotation = new WindowRotation(breakerSettings.windowMs);
  changes = [];
  breaker = new Breaker(breakerSettings, rotation, (from, to) => changes.push(`${from} -> ${to}`));
});

afterEach(() => {
  breaker.dispose();
  expect(rotation.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function begin(): Passage {
  const passage = breaker.admit();
  if (passage === undefined) throw new Error(`refused while ${breaker.state}`);
  return passage;
}

async function tell(outcome: Outcome, times = 1): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    breaker.ended(begin(), outcome);
    await settle();
  }
}

describe('open by hand', () => {
  it('refuses all, however long, until it is closed by hand', async () => {
    breaker.open();
    expect(breaker).toMatchObject({ state: 'open', isForced: true, hasFreeProbe: false });
    await jest.advanceTimersByTimeAsync(10 * resetMs);
    breaker.allowEarlyProbe();
    expect(breaker.admit()).toBeUndefined();
    breaker.close();
    expect(breaker).toMatchObject({ state: 'closed', isForced: false });
    expect(changes).toEqual(['closed -> open', 'open -> closed']);
    await tell('success');
    expect(breaker.state).toBe('closed');
  });

  it('drops outcomes of attempts that began before', async () => {
    const early = [begin(), begin()] as const;
    breaker.open();
    breaker.ended(early[0], 'success');
    breaker.close();
    breaker.ended(early[1], 'failure');
    await settle();
    expect(breaker.failures).toBe(0);
    expect(breaker.state).toBe('closed');
  });

  it('holds one that is open already, and one whose probe is under way', async () => {
    await tell('failure', 5);
    breaker.open();
    await jest.advanceTimersByTimeAsync(2 * resetMs);
    expect(breaker.state).toBe('open');
    breaker.close();
    await tell('failure', 5);
    await jest.advanceTimersByTimeAsync(resetMs);
    const probe = begin();
    breaker.open();
    breaker.ended(probe, 'success');
    await jest.advanceTimersByTimeAsync(2 * resetMs);
    expect(breaker).toMatchObject({ state: 'open', isForced: true });
  });
});

describe('close by hand', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['open', async () => {}],
    ['half-open', () => jest.advanceTimersByTimeAsync(resetMs)],
    ['half-open early', async () => breaker.allowEarlyProbe()],
    ['half-open with a probe', () => jest.advanceTimersByTimeAsync(resetMs).then(begin)],
  ])('closes one that is %s; it takes as many failures again', async (_state, reach) => {
    await tell('failure', 5);
    await reach();
    breaker.close();
    expect(breaker.state).toBe('closed');
    await tell('failure', 4);
    expect(breaker.state).toBe('closed');
    await tell('failure');
    expect(breaker.state).toBe('open');
  });

  it('changes nothing of one that is closed', async () => {
    await tell('failure', 3);
    breaker.close();
    expect(changes).toEqual([]);
    expect(breaker.failures).toBe(3);
  });
});

describe('an early probe', () => {
  beforeEach(async () => {
    await tell('failure', 5);
    await jest.advanceTimersByTimeAsync(1000);
    breaker.allowEarlyProbe();
  });

  it('is one, and closes the breaker when it succeeds', async () => {
    expect(breaker.state).toBe('half-open');
    const probe = begin();
    expect(breaker.admit()).toBeUndefined();
    breaker.ended(probe, 'success');
    await settle();
    expect(breaker.state).toBe('closed');
    await jest.advanceTimersByTimeAsync(2 * resetMs);
    expect(breaker.state).toBe('closed');
    await tell('failure', 4);
    expect(breaker.state).toBe('closed');
  });

  it('opens it again when it fails, for what is left of the reset time', async () => {
    await tell('failure');
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(resetMs - 1001);
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(1);
    expect(breaker.state).toBe('half-open');
    await tell('success');
    expect(breaker.state).toBe('closed');
  });

  it('counts as failed when it hangs', async () => {
    const probe = begin();
    await jest.advanceTimersByTimeAsync(probeTimeoutMs);
    expect(breaker.state).toBe('open');
    breaker.ended(probe, 'success');
    await settle();
    expect(breaker.state).toBe('open');
  });

  it('is still the one probe when the reset time ends meanwhile', async () => {
    await jest.advanceTimersByTimeAsync(resetMs - 1000 - 5);
    const probe = begin();
    await jest.advanceTimersByTimeAsync(10);
    expect(breaker.hasFreeProbe).toBe(false);
    breaker.ended(probe, 'failure');
    await settle();
    expect(breaker.state).toBe('open');
    await jest.advanceTimersByTimeAsync(resetMs);
    expect(breaker.state).toBe('half-open');
  });
});

describe('one that is disposed', () => {
  it('can no longer be turned, and wakes no timer', () => {
    breaker.dispose();
    breaker.open();
    breaker.close();
    breaker.allowEarlyProbe();
    expect(changes).toEqual([]);
    expect(rotation.size).toBe(0);
  });

  it('lets no probe pass any more', async () => {
    await tell('failure', 5);
    breaker.allowEarlyProbe();
    breaker.dispose();
    expect(breaker.hasFreeProbe).toBe(false);
    expect(breaker.admit()).toBeUndefined();
  });
});

describe('breakerView', () => {
  it('shows the breaker as it is, and turns it', () => {
    const each = endpoint('a', { address: { host: '::1', port: 7 } });
    const view = breakerView('echo', each);
    expect(view).toMatchObject({
      service: 'echo',
      instanceId: 'a',
      address: '[::1]:7',
      state: 'closed',
      isForced: false,
      failures: 0,
    });
    view.open();
    expect(view).toMatchObject({ state: 'open', isForced: true });
    view.close();
    expect(view).toMatchObject({ state: 'closed', isForced: false });
    expect(each.breaker.state).toBe('closed');
    each.breaker.dispose();
  });
});
