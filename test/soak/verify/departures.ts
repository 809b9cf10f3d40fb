import type { Departure, Disturbance, EtcdChange, WatchHistory } from '../history.ts';
import type { Finding } from './finding.ts';

export interface Patience {
  /** How long after the end of its lease an instance may still be seen, in ms. */
  readonly graceMs: number;
  /** How long everybody may take to be as before, once a disturbance is over, in ms. */
  readonly settleMs: number;
}

/**
 * When nobody may see an instance any more whose lease nobody renews since `atMs`. A disturbance in
 * between begins the wait anew: a frozen registry may hold a renewal, and etcd that was away grants
 * every lease its full time again.
 */
export function deadlineOf(
  { atMs, ttlMs }: Pick<Departure, 'atMs' | 'ttlMs'>,
  disturbances: readonly Disturbance[],
  { graceMs, settleMs }: Patience,
): number {
  const inOrder = disturbances.toSorted((a, b) => a.atMs - b.atMs);
  let deadline = atMs + ttlMs + graceMs;
  for (const { atMs: from, untilMs = Number.POSITIVE_INFINITY } of inOrder) {
    const end = untilMs + settleMs;
    if (from < deadline && end > atMs) deadline = Math.max(deadline, end + ttlMs + graceMs);
  }
  return deadline;
}

/** From when to when a watcher saw each lease: until undefined where it sees it still. */
function sightings({ entries }: WatchHistory): Map<string, { untilMs: number | undefined }> {
  const seen = new Map<string, { untilMs: number | undefined }>();
  const held = new Map<string, string>();
  const drop = (key: string, atMs: number) => {
    const sighting = seen.get(held.get(key) ?? '');
    if (sighting !== undefined) sighting.untilMs = atMs;
    held.delete(key);
  };
  const put = (key: string, leaseId: string, atMs: number) => {
    if (held.get(key) !== leaseId) drop(key, atMs);
    held.set(key, leaseId);
    seen.set(leaseId, { untilMs: undefined });
  };
  for (const entry of entries) {
    const { kind, atMs } = entry;
    if (kind === 'snapshot') {
      const present = new Set(entry.instances.map(({ key }) => key));
      for (const key of held.keys()) if (!present.has(key)) drop(key, atMs);
      for (const { key, leaseId } of entry.instances) put(key, leaseId, atMs);
    } else if (kind === 'events') {
      for (const { type, key, leaseId } of entry.events) {
        if (type === 'put') put(key, leaseId, atMs);
        else drop(key, atMs);
      }
    }
  }
  return seen;
}

/** Nobody sees an instance past its lease. What a foreign value covered goes later, and is left out. */
export function verifyDepartures(
  departures: readonly Departure[],
  watches: readonly WatchHistory[],
  {
    changes,
    disturbances,
    endMs,
    patience,
  }: {
    changes: readonly EtcdChange[];
    disturbances: readonly Disturbance[];
    /** When the histories end. */
    endMs: number;
    patience: Patience;
  },
): Finding[] {
  const foreign = new Set(changes.filter(({ type }) => type === 'foreign').map(({ key }) => key));
  const due = departures
    .filter(({ key }) => !foreign.has(key))
    .map((departure) => ({
      departure,
      deadlineMs: deadlineOf(departure, disturbances, patience),
    }))
    .filter(({ deadlineMs }) => deadlineMs <= endMs);
  return watches.flatMap((watch) => {
    const seen = sightings(watch);
    return due.flatMap(({ departure, deadlineMs }): Finding[] => {
      const sighting = seen.get(departure.leaseId);
      if (sighting === undefined || (sighting.untilMs ?? endMs) <= deadlineMs) return [];
      const { key, leaseId, atMs } = departure;
      const until = sighting.untilMs === undefined ? 'to the end' : `until ${sighting.untilMs} ms`;
      const message = `${key} left at ${atMs} ms and was seen ${until}, with lease ${leaseId}`;
      return [{ kind: 'dead-instance', atMs: deadlineMs, who: watch.name, message }];
    });
  });
}
