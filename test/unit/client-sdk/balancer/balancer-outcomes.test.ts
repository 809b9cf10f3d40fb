import { describe, expect, it, jest } from '@jest/globals';
import { CallRecord } from '../../../../client-sdk/src/balancer/call-record.ts';
import { instance, settle } from '../fixtures.ts';
import {
  begin,
  beginAt,
  find,
  list,
  OK,
  RESOURCE_EXHAUSTED,
  useBalancer,
} from './balancer-harness.ts';

const DEADLINE_EXCEEDED = 4;
const failuresOf = (id: string) => find(id).breaker.failures;

/** A call at `id` that is answered after `ms`. */
function answered(id: string, ms: number): void {
  const attempt = beginAt(id);
  jest.advanceTimersByTime(ms);
  attempt.end(OK);
}

/** A call at `id` whose deadline passes after `ms`. */
async function late(id: string, ms: number): Promise<void> {
  const attempt = beginAt(id);
  jest.advanceTimersByTime(ms);
  attempt.end(DEADLINE_EXCEEDED, { endedBy: 'timeout' });
  await settle();
}

describe('a deadline that passes', () => {
  it('says nothing of the first instance that is called: nothing was measured', async () => {
    list(instance('a'), instance('b'));
    await late('a', 2000);
    expect(failuresOf('a')).toBe(0);
  });

  it('is a failure of the instance if siblings were faster', async () => {
    list(instance('a'), instance('b'));
    answered('b', 20);
    await late('a', 500);
    expect(failuresOf('a')).toBe(1);
  });

  it('says nothing of a method that is slow everywhere', async () => {
    list(instance('a'), instance('b'));
    answered('b', 400);
    await late('a', 500);
    expect(failuresOf('a')).toBe(0);
  });

  it('says nothing of two instances that grow slow together, once both were seen to be', async () => {
    list(instance('a'), instance('b'));
    answered('a', 10);
    answered('b', 10);
    for (let i = 0; i < 4; i += 1) {
      await late('a', 500);
      await late('b', 500);
    }
    expect([failuresOf('a'), failuresOf('b')]).toEqual([1, 0]);
  });

  it('opens the breaker of an instance that is frozen while its siblings answer', async () => {
    useBalancer({ outlierEjection: false });
    list(instance('a'), instance('b'), instance('c'));
    for (let i = 0; i < 5; i += 1) {
      answered('b', 10);
      answered('c', 10);
      await late('a', 500);
    }
    expect(find('a').breaker.state).toBe('open');
    expect(find('b').breaker.state).toBe('closed');
  });

  it('says nothing of a stream: it may last as long as it likes', async () => {
    list(instance('a'));
    const stream = () => begin(new CallRecord({ path: '/s/S' }));
    stream().end(OK);
    const attempt = stream();
    jest.advanceTimersByTime(5000);
    attempt.end(DEADLINE_EXCEEDED, { endedBy: 'timeout' });
    expect(failuresOf('a')).toBe(0);
  });

  it('says nothing if this process itself stood still meanwhile', async () => {
    list(instance('a'), instance('b'));
    answered('b', 20);
    const attempt = beginAt('a');
    // Timers are late, as after a block of the event loop.
    jest.setSystemTime(Date.now() + 1000);
    const stalled = performance.now() + 1000;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(stalled);
    attempt.end(DEADLINE_EXCEEDED, { endedBy: 'timeout' });
    clock.mockRestore();
    expect(failuresOf('a')).toBe(0);
  });
});

describe('RESOURCE_EXHAUSTED', () => {
  it('is no failure, and breaks the silence of the instance', () => {
    list(instance('a'));
    answered('a', 10);
    begin();
    const refused = begin();
    jest.advanceTimersByTime(90);
    refused.end(RESOURCE_EXHAUSTED);
    expect(failuresOf('a')).toBe(0);
    expect(find('a').silentSince).toBe(performance.now());
  });

  it('with pushback is one failure for each rest, whatever was under way', async () => {
    list(instance('a'), instance('b'));
    const burst = [beginAt('a'), beginAt('a'), beginAt('a')];
    for (const attempt of burst) attempt.end(RESOURCE_EXHAUSTED, { restMs: 300 });
    await settle();
    expect(failuresOf('a')).toBe(1);
    jest.advanceTimersByTime(400);
    beginAt('a').end(RESOURCE_EXHAUSTED, { restMs: 300 });
    await settle();
    expect(failuresOf('a')).toBe(2);
  });
});
