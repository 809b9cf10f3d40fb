import type { History } from '../history.ts';
import { type Patience, verifyDepartures } from './departures.ts';
import { verifyDiscovery } from './discovery.ts';
import { verifyDrains } from './drains.ts';
import type { Finding } from './finding.ts';
import { verifyWatch } from './watch.ts';
import { verifyWrites } from './writes.ts';

/** All that a history breaks, by time. */
export function verifyHistory(history: History, endMs: number, patience: Patience): Finding[] {
  const { changes, watches, writes, polls, departures } = history;
  return [
    ...watches.flatMap((watch) => verifyWatch(watch, history)),
    ...polls.flatMap((poll) => verifyDiscovery(poll, changes)),
    ...verifyWrites(writes, changes),
    ...verifyDrains(history.drains),
    ...verifyDepartures(departures, watches, { ...history, endMs, patience }),
  ].sort((a, b) => a.atMs - b.atMs);
}
