import { describe, expect, it } from '@jest/globals';
import { backoffMs } from '../../../orchestrator/src/slot/backoff.ts';
import {
  FORGIVEN_AFTER_MS,
  type SlotEvent,
  type SlotState,
  transition,
} from '../../../orchestrator/src/slot/slot-state.ts';

/** Takes a slot through events, each at its time. */
function live(...events: [atMs: number, event: SlotEvent][]): SlotState {
  let state: SlotState = { kind: 'stopped', sinceMs: 0 };
  for (const [nowMs, event] of events) state = transition(state, event, { nowMs, random: 0.5 });
  return state;
}

describe('the life of a slot', () => {
  it('starts, becomes healthy, is told to stop, stops', () => {
    expect(live([1, 'start_requested'])).toEqual({ kind: 'starting', sinceMs: 1, failures: 0 });
    expect(live([1, 'start_requested'], [2, 'became_healthy'])).toEqual({
      kind: 'running',
      sinceMs: 2,
      failures: 0,
    });
    expect(live([1, 'start_requested'], [2, 'became_healthy'], [3, 'stop_requested']).kind).toBe(
      'stopping',
    );
    expect(live([1, 'start_requested'], [3, 'stop_requested'], [4, 'exited'])).toEqual({
      kind: 'stopped',
      sinceMs: 4,
    });
  });

  it('waits longer after each failure in a row', () => {
    const first = live([0, 'start_requested'], [5, 'exited']);
    expect(first).toEqual({ kind: 'backoff', sinceMs: 5, waitMs: 75, failures: 1 });
    const second = live(
      [0, 'start_requested'],
      [5, 'exited'],
      [80, 'backoff_elapsed'],
      [90, 'exited'],
    );
    expect(second).toEqual({ kind: 'backoff', sinceMs: 90, waitMs: 150, failures: 2 });
  });

  it('forgets failures only of a process that was healthy long enough', () => {
    const failing: [number, SlotEvent][] = [
      [0, 'start_requested'],
      [5, 'exited'],
      [80, 'backoff_elapsed'],
      [100, 'became_healthy'],
    ];
    expect(live(...failing, [99 + FORGIVEN_AFTER_MS, 'exited'])).toMatchObject({ failures: 2 });
    expect(live(...failing, [100 + FORGIVEN_AFTER_MS, 'exited'])).toMatchObject({ failures: 1 });
  });

  it('stops at once when told while waiting', () => {
    expect(live([0, 'start_requested'], [5, 'exited'], [6, 'stop_requested'])).toEqual({
      kind: 'stopped',
      sinceMs: 6,
    });
  });

  it('passes over events that mean nothing where it is', () => {
    const states: SlotState[] = [
      live(),
      live([0, 'start_requested']),
      live([0, 'start_requested'], [1, 'became_healthy']),
      live([0, 'start_requested'], [1, 'exited']),
      live([0, 'start_requested'], [1, 'stop_requested']),
    ];
    const means: Record<SlotState['kind'], SlotEvent[]> = {
      stopped: ['start_requested'],
      starting: ['became_healthy', 'exited', 'stop_requested'],
      running: ['exited', 'stop_requested'],
      backoff: ['backoff_elapsed', 'stop_requested'],
      stopping: ['exited'],
    };
    const events = Object.values(means).flat();
    for (const state of states) {
      for (const event of events) {
        const next = transition(state, event, { nowMs: 9, random: 0 });
        expect({ state: state.kind, event, changed: next !== state }).toEqual({
          state: state.kind,
          event,
          changed: means[state.kind].includes(event),
        });
      }
    }
  });
});

describe('backoffMs', () => {
  it('doubles from 100 ms to 10 s and takes between half and all of it', () => {
    const most = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1000].map((failures) => backoffMs(failures, 1));
    expect(most).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
    expect(backoffMs(1, 0)).toBe(50);
    expect(backoffMs(1000, 0)).toBe(5000);
  });
});
