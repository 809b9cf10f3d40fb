import { backoffMs } from './backoff.ts';

/**
 * Where a slot is in its life. `sinceMs` is when it came there; `failures` counts the processes that
 * ended by themselves in a row.
 */
export type SlotState =
  /** No process, and none wanted. */
  | { readonly kind: 'stopped'; readonly sinceMs: number }
  /** A process runs and has not been healthy yet. */
  | { readonly kind: 'starting'; readonly sinceMs: number; readonly failures: number }
  /** The process has been healthy. */
  | { readonly kind: 'running'; readonly sinceMs: number; readonly failures: number }
  /** The process ended by itself; the next one starts `waitMs` after `sinceMs`. */
  | {
      readonly kind: 'backoff';
      readonly sinceMs: number;
      readonly waitMs: number;
      readonly failures: number;
    }
  /** The process was told to end. */
  | { readonly kind: 'stopping'; readonly sinceMs: number };

export type SlotEvent =
  | 'start_requested'
  | 'became_healthy'
  | 'exited'
  | 'backoff_elapsed'
  | 'stop_requested';

/** Time and chance, given by the caller. */
export interface Circumstances {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** 0 to below 1. */
  readonly random: number;
}

/** A process healthy for this long has its earlier failures forgotten. */
export const FORGIVEN_AFTER_MS = 30_000;

/** The state after `event`; the same object when the event means nothing in this state. */
export function transition(
  state: SlotState,
  event: SlotEvent,
  { nowMs, random }: Circumstances,
): SlotState {
  switch (event) {
    case 'start_requested':
      return state.kind === 'stopped' ? { kind: 'starting', sinceMs: nowMs, failures: 0 } : state;
    case 'became_healthy':
      return state.kind === 'starting'
        ? { kind: 'running', sinceMs: nowMs, failures: state.failures }
        : state;
    case 'backoff_elapsed':
      return state.kind === 'backoff'
        ? { kind: 'starting', sinceMs: nowMs, failures: state.failures }
        : state;
    case 'stop_requested':
      if (state.kind === 'backoff') return { kind: 'stopped', sinceMs: nowMs };
      return state.kind === 'starting' || state.kind === 'running'
        ? { kind: 'stopping', sinceMs: nowMs }
        : state;
    case 'exited': {
      if (state.kind === 'stopping') return { kind: 'stopped', sinceMs: nowMs };
      if (state.kind !== 'starting' && state.kind !== 'running') return state;
      const isForgiven = state.kind === 'running' && nowMs - state.sinceMs >= FORGIVEN_AFTER_MS;
      const failures = (isForgiven ? 0 : state.failures) + 1;
      return { kind: 'backoff', sinceMs: nowMs, waitMs: backoffMs(failures, random), failures };
    }
  }
}
