import type { DrainRecord } from '../history.ts';
import type { Finding } from './finding.ts';

/** No call is sent to an instance after its drain has ended. */
export function verifyDrains(drains: readonly DrainRecord[]): Finding[] {
  return drains.flatMap(({ key, startedAtMs, endedAtMs, lateAtMs }): Finding[] => {
    const last = lateAtMs.at(-1);
    if (last === undefined) return [];
    const message =
      `its drain lasted from ${startedAtMs} to ${endedAtMs} ms, and ${lateAtMs.length} calls were sent to it ` +
      `after that, the last at ${last} ms`;
    return [{ kind: 'call-after-drain', atMs: endedAtMs, who: key, message }];
  });
}
