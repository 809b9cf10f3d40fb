import type { Sample } from './open-loop.ts';

/** Calls amid which something happened. */
export interface Disturbed {
  /** When it happened, on the shared clock. */
  readonly at: number;
  /** When it had happened: a call begun later was not in flight then. */
  readonly overAt: number;
  readonly samples: readonly Sample[];
  /** A call that takes longer counts as affected, in ms. */
  readonly patienceMs: number;
}

/** What callers noticed of a disturbance. */
export function effects({ at, overAt, samples, patienceMs }: Disturbed): Record<string, number> {
  const failed = samples.filter(({ code }) => code !== 0);
  const idempotent = failed.filter(({ isWrite }) => !isWrite).length;
  const affected = samples.filter(
    (sample) =>
      sample.at >= at && (sample.code !== 0 || sample.retries > 0 || sample.ms > patienceMs),
  );
  const after = samples.filter((sample) => sample.at >= at - 100 && sample.at < at + 1000);
  return {
    'failed calls': failed.length,
    'failed idempotent calls': idempotent,
    'failed other calls': failed.length - idempotent,
    'failed others, not in flight then': failed.filter((call) => call.isWrite && call.at > overAt)
      .length,
    'worst stall ms': Math.max(0, ...after.map(({ ms }) => ms)),
    'ms until no pick goes there': Math.max(0, ...affected.map((call) => call.at - at)),
  };
}
