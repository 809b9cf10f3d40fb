import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../support/seeded-random.ts';

/**
 * When calls are to be sent, in ms from the start: independent arrivals (Poisson) at `perSecond`,
 * the same for the same seed. Callers outside do not wait for each other's answers.
 */
export function arrivals(perSecond: number, durationMs: number, seed: number): number[] {
  const random = seededRandom(seed);
  const times: number[] = [];
  let at = 0;
  for (;;) {
    at += (-Math.log(1 - random()) * 1000) / perSecond;
    if (at >= durationMs) return times;
    times.push(at);
  }
}

/** One call of an open loop. */
export interface Sample {
  /** When it was to be sent, in ms on the clock of `performance.timeOrigin + performance.now()`. */
  readonly at: number;
  /** From then to its end, in ms: a client that is late to send is not let off. */
  readonly ms: number;
  /** How late it was sent, in ms: of that the calls know nothing, the machine or the loop does. */
  readonly lateMs: number;
  /** gRPC status code. */
  readonly code: number;
  /** Attempts before the one that answered. */
  readonly retries: number;
  /** Whether its contract does not call it idempotent. */
  readonly isWrite: boolean;
}

/** How one call ended. */
export type CallEnd = Pick<Sample, 'code' | 'retries'>;

/** The same with what was asked. */
export type CallDone = Omit<Sample, 'at' | 'ms' | 'lateMs'>;

/** Milliseconds on a clock that all processes of this machine share. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Sends a call at each of `times`, never waiting for an answer, and answers when all have ended. */
export async function runOpenLoop(
  times: readonly number[],
  call: (index: number) => Promise<CallDone>,
): Promise<Sample[]> {
  const start = sharedNow();
  const running: Promise<Sample>[] = [];
  for (let next = 0; next < times.length; ) {
    const now = sharedNow() - start;
    while (next < times.length && (times[next] as number) <= now) {
      const index = next;
      const at = start + (times[next] as number);
      const lateMs = now - (times[next] as number);
      running.push(call(index).then((end) => ({ ...end, at, lateMs, ms: sharedNow() - at })));
      next += 1;
    }
    if (next < times.length) await sleep(Math.max(1, (times[next] as number) - now));
  }
  return Promise.all(running);
}
