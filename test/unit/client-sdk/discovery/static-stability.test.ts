import { describe, expect, it } from '@jest/globals';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { InstanceChanges } from '../../../../client-sdk/src/discovery/instance-changes.ts';
import { StaticStability } from '../../../../client-sdk/src/discovery/static-stability.ts';
import { instance } from '../fixtures.ts';

const well = { isStale: false, isReplaced: false };
const stale = { isStale: true, isReplaced: false };
const replaced = { isStale: false, isReplaced: true };

let port = 1000;

/** Instances of these ids, each at an address of its own. */
function group(ids: string, changes: Partial<Instance> = {}): Instance[] {
  return ids.split(' ').map((id) => {
    port += 1;
    return instance(id, { address: { host: '127.0.0.1', port }, ...changes });
  });
}

function changes(put: readonly Instance[], removed: readonly Instance[] = []): InstanceChanges {
  return { isComplete: false, put, removed, revision: 7n };
}

/** What is to be published, in short. */
function text(published: InstanceChanges | undefined): string | undefined {
  if (published === undefined) return undefined;
  const names = (all: readonly Instance[]) => all.map(({ id }) => id).join(' ');
  return `+[${names(published.put)}] -[${names(published.removed)}]`;
}

const ids = (stability: StaticStability) => stability.instances.map(({ id }) => id).join(' ');

/** A client that knows these since time 0. */
function knowing(instances: readonly Instance[], protectedShare = 0.5): StaticStability {
  const stability = new StaticStability(protectedShare);
  const first = { isComplete: true, put: instances, removed: [], revision: 5n };
  expect(stability.told(first, well, 0)).toEqual(first);
  return stability;
}

/** The watch breaks at 100,000 and goes on at `at`. */
function interrupted(instances: readonly Instance[], at = 100_500, protectedShare = 0.5) {
  const stability = knowing(instances, protectedShare);
  stability.broke();
  expect(stability.told(undefined, well, at)).toBeUndefined();
  return stability;
}

describe('a loss while the registry has been well', () => {
  it('F14: is believed at once, be it of all', () => {
    const all = group('a b c');
    const stability = knowing(all);
    expect(text(stability.told(changes([], all), well, 1))).toBe('+[] -[a b c]');
    expect(ids(stability)).toBe('');
    expect(stability.kept).toBeUndefined();
  });

  it('F14: is believed once the registry has been well for 10 s, or for half of the TTL', () => {
    const short = group('a b', { ttlSeconds: 2 });
    const early = interrupted(short);
    expect(text(early.told(changes([], short), well, 110_499))).toBe('+[] -[]');
    const late = interrupted(short);
    expect(text(late.told(changes([], short), well, 110_500))).toBe('+[] -[a b]');
    const long = group('a b', { ttlSeconds: 60 });
    expect(text(interrupted(long).told(changes([], long), well, 130_499))).toBe('+[] -[]');
    expect(text(interrupted(long).told(changes([], long), well, 130_500))).toBe('+[] -[a b]');
  });
});

describe('a loss in doubt', () => {
  it.each([
    ['after a broken watch', (it: StaticStability) => it.broke(), well, 'the watch broke'],
    ['without the store', () => {}, stale, 'the registry lost its store'],
    ['by a new snapshot', () => {}, replaced, 'the registry began anew'],
  ] as const)('F15: of more than half %s keeps all', (_, befall, state, reason) => {
    const [a, b, c] = group('a b c') as [Instance, Instance, Instance];
    const stability = knowing([a, b, c]);
    befall(stability);
    expect(text(stability.told(changes([], [a, b]), state, 100_000))).toBe('+[] -[]');
    expect(ids(stability)).toBe('a b c');
    expect(stability.kept).toEqual({ count: 2, reason });
    expect(stability.givenUpAt).toBe(state.isStale ? undefined : 110_000);
  });

  it('F15: of half and less is believed, until more follow: then all of it comes back', () => {
    const all = group('a b c d') as [Instance, Instance, Instance, Instance];
    const stability = interrupted(all);
    expect(text(stability.told(changes([], all.slice(0, 1)), well, 101_000))).toBe('+[] -[a]');
    expect(text(stability.told(changes([], all.slice(1, 2)), well, 102_000))).toBe('+[] -[b]');
    expect(stability.kept).toBeUndefined();
    expect(text(stability.told(changes([], all.slice(2, 3)), well, 103_000))).toBe('+[a b] -[]');
    expect(ids(stability)).toBe('c d a b');
    expect(stability.kept?.count).toBe(3);
  });

  it('is believed of whoever was leaving', () => {
    const [a, b] = group('a b') as [Instance, Instance];
    const { INSTANCE_STATUS_STOPPING, INSTANCE_STATUS_STOPPED } = InstanceStatus;
    const stability = interrupted([a, b]);
    const leaving = [
      { ...a, status: INSTANCE_STATUS_STOPPING },
      { ...b, status: INSTANCE_STATUS_STOPPED },
    ];
    expect(text(stability.told(changes([], leaving), well, 100_600))).toBe('+[] -[a b]');
    expect(ids(stability)).toBe('');
  });

  it('keeps nothing at share 1, and a single one at share 0', () => {
    const all = group('a b c');
    const never = interrupted(all, 100_500, 1);
    expect(text(never.told(changes([], all), well, 100_500))).toBe('+[] -[a b c]');
    const always = interrupted(all, 100_500, 0);
    expect(text(always.told(changes([], all.slice(0, 1)), well, 100_500))).toBe('+[] -[]');
    expect(always.kept?.count).toBe(1);
  });

  it('does not count in what an earlier trouble took', () => {
    const all = group('a b c d');
    const stability = interrupted(all);
    expect(text(stability.told(changes([], all.slice(0, 2)), well, 101_000))).toBe('+[] -[a b]');
    stability.broke();
    stability.told(undefined, well, 103_000);
    expect(text(stability.told(changes([], all.slice(2, 3)), well, 104_000))).toBe('+[] -[c]');
    expect(stability.kept).toBeUndefined();
  });

  it('is not of whoever came and went within one message', () => {
    const stability = interrupted(group('a'));
    expect(text(stability.told(changes([], group('x')), well, 100_600))).toBe('+[] -[]');
    expect(ids(stability)).toBe('a');
    expect(stability.kept).toBeUndefined();
  });
});

describe('what is kept', () => {
  const keeping = () => {
    const all = group('a b c d') as [Instance, Instance, Instance, Instance];
    const stability = interrupted(all);
    expect(text(stability.told(changes([], all), replaced, 100_500))).toBe('+[] -[]');
    return { all, stability };
  };

  it('is released when all are listed again, each as it is listed now', () => {
    const { all, stability } = keeping();
    const back = all.map((each) => ({ ...each, leaseId: 9n }));
    expect(text(stability.told(changes(back.slice(0, 3)), well, 101_000))).toBe('+[a b c] -[]');
    expect(stability.kept?.count).toBe(1);
    expect(text(stability.told(changes(back.slice(3)), well, 102_000))).toBe('+[d] -[]');
    expect(stability.kept).toBeUndefined();
    expect(stability.givenUpAt).toBeUndefined();
    expect(stability.instances).toEqual(back);
  });

  it('is given up when the registry has been well for long enough, and not in trouble', () => {
    const { all, stability } = keeping();
    expect(stability.givenUpAt).toBe(110_500);
    stability.told(changes(all.slice(0, 1)), well, 101_000);
    stability.broke();
    expect(stability.givenUpAt).toBeUndefined();
    stability.told(undefined, stale, 200_000);
    expect(stability.givenUpAt).toBeUndefined();
    stability.told(undefined, well, 300_000);
    expect(stability.givenUpAt).toBe(310_000);
    expect(text(stability.giveUp(8n))).toBe('+[] -[b c d]');
    expect(ids(stability)).toBe('a');
    expect(stability.kept).toBeUndefined();
  });

  it('is given up where another has the address', () => {
    const { all, stability } = keeping();
    const heir = { ...instance('e'), address: all[1].address };
    expect(text(stability.told(changes([heir]), well, 101_000))).toBe('+[e] -[b]');
    expect(ids(stability)).toBe('a c d e');
  });

  it('is told whole to whoever begins with all', () => {
    const { all, stability } = keeping();
    stability.broke();
    const anew = { isComplete: true, put: group('x'), removed: [], revision: 1n };
    expect(text(stability.told(anew, well, 101_000))).toBe('+[a b c d x] -[]');
    expect(stability.instances).toHaveLength(all.length + 1);
  });

  it('never exceeds the last good snapshot, however often the registry fails meanwhile', () => {
    const { stability } = keeping();
    for (let round = 0; round < 100; round += 1) {
      const next = group(`n${round}`);
      stability.broke();
      stability.told(changes(next), well, 200_000 + round);
      stability.told(changes([], next), well, 200_000 + round);
    }
    expect(stability.kept?.count).toBe(4);
    expect(ids(stability)).toBe('n96 n97 n98 n99');
  });
});
