import { describe, expect, it } from '@jest/globals';
import type { Departure, Disturbance, WriteRecord } from '../../soak/history.ts';
import { deadlineOf, verifyDepartures } from '../../soak/verify/departures.ts';
import { verifyDiscovery } from '../../soak/verify/discovery.ts';
import { verifyDrains } from '../../soak/verify/drains.ts';
import { verifyWrites } from '../../soak/verify/writes.ts';
import { changes, events, open, snapshot, watch } from './histories.ts';

// At 0, 100, 200 and 300 ms.
const truth = changes('put a 2', 'put b 3', 'put a 5', 'delete b 6');

describe('verifyWrites', () => {
  function kinds(outcome: WriteRecord['outcome'], sentAtMs = 0, key = 's/a') {
    const times = { sentAtMs, doneAtMs: sentAtMs + 50 };
    const write: WriteRecord = { op: 'register', key, replica: 0, outcome, ...times };
    return verifyWrites([write], truth).map(({ kind }) => kind);
  }
  const stored = (revision: number, content: string, isAsAsked = true) =>
    ({ kind: 'stored', revision, content, isAsAsked }) as const;

  it('takes what is in etcd at its revision, then or later', () => {
    expect(kinds(stored(5, 'a5'))).toEqual([]);
    expect(kinds(stored(6, 'a5'), 100)).toEqual([]);
    expect(kinds({ kind: 'removed', revision: 6, leaseId: 'lease-b' }, 250, 's/b')).toEqual([]);
    expect(kinds({ kind: 'not-there', revision: 6, leaseId: 'lease-b' }, 300, 's/b')).toEqual([]);
    expect(kinds({ kind: 'failed', code: 'UNAVAILABLE' })).toEqual([]);
  });

  it('finds what is not there at its revision, or otherwise', () => {
    expect(kinds(stored(4, 'a5'))).toEqual(['write-not-visible']);
    expect(kinds(stored(5, 'a2'))).toEqual(['write-not-visible']);
    expect(kinds(stored(5, 'x5'), 0, 's/x')).toEqual(['write-not-visible']);
    expect(kinds({ kind: 'removed', revision: 5, leaseId: 'lease-b' }, 0, 's/b')).toEqual([
      'write-not-visible',
    ]);
    expect(kinds({ kind: 'not-there', revision: 5, leaseId: 'lease-b' }, 0, 's/b')).toEqual([
      'write-not-visible',
    ]);
    expect(kinds(stored(5, 'a5', false))).toEqual(['wrong-content']);
  });

  it('finds a revision older than what etcd had when it was sent', () => {
    expect(kinds(stored(5, 'a5'), 250)).toEqual([]);
    expect(kinds(stored(5, 'a5'), 350)).toEqual(['stale-write']);
  });
});

describe('deadlineOf', () => {
  const patience = { graceMs: 1000, settleMs: 3000 };
  const left = { atMs: 10_000, ttlMs: 2000 };
  const broken = (atMs: number, untilMs?: number): Disturbance => ({ what: 'x', atMs, untilMs });

  it('is the end of the lease, and the grace', () => {
    expect(deadlineOf(left, [], patience)).toBe(13_000);
    expect(deadlineOf(left, [broken(1000, 6000), broken(14_000, 15_000)], patience)).toBe(13_000);
  });

  it('begins anew when what was broken has settled, again and again', () => {
    expect(deadlineOf(left, [broken(11_000, 12_000)], patience)).toBe(18_000);
    const twice = [broken(17_000, 17_500), broken(11_000, 12_000)];
    expect(deadlineOf(left, twice, patience)).toBe(23_500);
    expect(deadlineOf(left, [broken(11_000)], patience)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('verifyDepartures', () => {
  const departure: Departure = { atMs: 100, key: 's/b', leaseId: 'lease-b', ttlMs: 200 };
  const scene = {
    changes: truth,
    disturbances: [] as Disturbance[],
    endMs: 10_000,
    patience: { graceMs: 100, settleMs: 1000 },
  };
  // At 0, 100, 200 and 300 ms.
  const seen = watch(open(), snapshot(3, 'a2', 'b3'), events('put a 5'), events('delete b 6 b3'));
  const late = watch(...[...Array(4)].map(() => open()), ...seen.entries);
  const never = watch(open(), snapshot(3, 'a2', 'b3'), events('put a 5'));
  const find = (over = {}, watches = [seen, late, never]) =>
    verifyDepartures([departure], watches, { ...scene, ...over }).map(({ message }) => message);

  it('finds who sees an instance longer than its lease and the grace', () => {
    expect(find()).toEqual([
      's/b left at 100 ms and was seen until 700 ms, with lease lease-b',
      's/b left at 100 ms and was seen to the end, with lease lease-b',
    ]);
    expect(find({}, [seen])).toEqual([]);
  });

  it('counts a snapshot without it, or with its successor, as the end', () => {
    const gone = watch(open(), snapshot(3, 'a2', 'b3'), snapshot(6, 'a5'));
    const { entries } = snapshotOfSuccessor();
    expect(find({}, [gone, { ...gone, entries }])).toEqual([]);
  });

  it('leaves out what it cannot know: broken times, foreign values, the end of the run', () => {
    expect(find({ disturbances: [{ what: 'x', atMs: 0, untilMs: undefined }] })).toEqual([]);
    expect(find({ changes: [...truth, ...changes('foreign b 9')] })).toEqual([]);
    expect(find({ endMs: 350 })).toEqual([]);
  });

  function snapshotOfSuccessor() {
    const successor = { ...snapshot(7, 'b3') };
    const instances = successor.instances.map((held) => ({ ...held, leaseId: 'another' }));
    return watch(open(), snapshot(3, 'b3'), { ...successor, instances });
  }
});

describe('verifyDrains', () => {
  const drain = { key: 's/d', startedAtMs: 10, endedAtMs: 20, calls: 3, lateAtMs: [] };

  it('finds calls that were sent to an instance after its drain had ended', () => {
    expect(verifyDrains([drain])).toEqual([]);
    expect(verifyDrains([drain, { ...drain, lateAtMs: [25, 30] }])).toMatchObject([
      { kind: 'call-after-drain', atMs: 20, who: 's/d' },
    ]);
  });
});

describe('verifyDiscovery', () => {
  function found(...polls: [revision: number, ...contents: string[]][]) {
    const history = {
      name: 'discover',
      service: 's',
      polls: polls.map(([revision, ...contents], index) => {
        return { atMs: index, revision, instances: [...snapshot(revision, ...contents).instances] };
      }),
    };
    return verifyDiscovery(history, truth).map(({ message }) => message);
  }

  it('takes the sets of their revisions', () => {
    expect(found([3, 'a2', 'b3'], [5, 'a5', 'b3'], [8, 'a5'])).toEqual([]);
    expect(found([1])).toEqual([]);
  });

  it('finds another set, and a revision that goes back', () => {
    expect(found([1, 'x0'])).toEqual(['s/x is there and should not be']);
    expect(found([3, 'a2'], [5, 'a5', 'b3'], [3, 'a2', 'b3'])).toEqual([
      's/b is missing',
      'it went back from revision 5',
    ]);
  });
});
