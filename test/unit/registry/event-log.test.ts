import { describe, expect, it } from '@jest/globals';
import { EventType } from '@weft/proto/registry';
import { EventLog, type StoreEvent } from '../../../registry/src/store/event-log.ts';
import { storedInstance } from './fixtures.ts';

function put(revision: bigint): StoreEvent {
  return { type: EventType.EVENT_TYPE_PUT, instance: storedInstance(), revision };
}

const revisions = (events: readonly StoreEvent[] | undefined) =>
  events?.map(({ revision }) => revision);

describe('EventLog', () => {
  it('answers the events after a revision', () => {
    const log = new EventLog();
    log.reset(10n);
    log.append([put(11n), put(13n)]);
    log.append([put(20n)]);
    expect(revisions(log.since(10n))).toEqual([11n, 13n, 20n]);
    expect(revisions(log.since(11n))).toEqual([13n, 20n]);
    expect(revisions(log.since(12n))).toEqual([13n, 20n]);
    expect(revisions(log.since(20n))).toEqual([]);
    expect(log.since(9n)).toBeUndefined();
  });

  it('keeps at most twice its limit and never part of a revision', () => {
    const log = new EventLog(4);
    for (let revision = 1n; revision <= 100n; revision += 1n) {
      log.append([put(revision), put(revision)]);
      let held = log.since(0n);
      for (let from = 1n; held === undefined; from += 1n) held = log.since(from);
      expect(held.length).toBeLessThanOrEqual(8);
      expect(held.length % 2).toBe(0);
    }
    expect(log.since(50n)).toBeUndefined();
    expect(revisions(log.since(99n))).toEqual([100n, 100n]);
  });

  it('answers nobody who is inside a gap, and keeps a bounded number of gaps', () => {
    const log = new EventLog();
    log.append([put(11n)]);
    log.skip(12n, 20n);
    log.append([put(20n)]);
    expect(revisions(log.since(12n))).toEqual([20n]);
    expect(log.since(13n)).toBeUndefined();
    expect(revisions(log.since(20n))).toEqual([]);
    for (let revision = 100n; revision < 10_000n; revision += 5n) log.skip(revision, revision + 2n);
    expect(log.since(12n)).toBeUndefined();
    expect(log.since(9996n)).toBeUndefined();
    expect(log.since(9997n)).toEqual([]);
  });
});
