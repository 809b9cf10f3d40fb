import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { silentLog } from '@weft/proto';
import { EventType, type Instance, type Snapshot, type WatchResponse } from '@weft/proto/registry';
import { ClientError, Status } from 'nice-grpc-common';
import type { RegistryConnection } from '../../../../client-sdk/src/discovery/registry-connection.ts';
import { ServiceWatch } from '../../../../client-sdk/src/discovery/service-watch.ts';
import { instance, settle } from '../fixtures.ts';
import { event, events as eventsOf, response, snapshot } from './watch-responses.ts';
import { type Request, Stream } from './watch-stream.ts';

const { EVENT_TYPE_PUT } = EventType;

let streams: Stream[];
let failovers: number;
let hasOther: boolean;
let told: string[];
let watch: ServiceWatch;

beforeEach(async () => {
  jest.useFakeTimers();
  streams = [];
  failovers = 0;
  hasOther = true;
  told = [];
  const client = {
    acknowledge: async ({ watchId, revision }: { watchId: string; revision: bigint }) => {
      told.push(`acknowledged ${revision}${watchId === stream().request.watchId ? '' : '?'}`);
    },
    watch: (request: Request, { signal }: { signal: AbortSignal }) => {
      const stream = new Stream(request, signal);
      streams.push(stream);
      return stream;
    },
  };
  const registry = {
    addresses: ['r1', 'r2'],
    replica: { address: 'r1', client },
    failover: () => {
      failovers += 1;
      return hasOther;
    },
  };
  watch = new ServiceWatch({
    service: 'echo',
    client: () => 'me',
    registry: registry as unknown as RegistryConnection,
    ttlMs: 60_000,
    protectedShare: 0.5,
    log: silentLog,
    random: () => 0.5,
    observer: {
      snapshotKept: ({ kept, listed, reason }) =>
        told.push(`kept ${kept}, listed ${listed}: ${reason}`),
      snapshotReleased: ({ listed }) => told.push(`released, listed ${listed}`),
    },
    listener: {
      instancesChanged: ({ isComplete, put, removed }) => {
        const names = (all: readonly { id: string }[]) => all.map(({ id }) => id).join(' ');
        told.push(`${isComplete ? 'all' : 'delta'} +[${names(put)}] -[${names(removed)}]`);
      },
      discoveryFailed: ({ message }) => told.push(message),
    },
  });
  await settle();
});

afterEach(async () => {
  watch.close();
  await settle();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function stream(): Stream {
  return streams.at(-1) as Stream;
}

function known(): string[] | undefined {
  return watch.snapshot?.instances.map(({ id }) => id);
}

/** The stream breaks, and another is made. */
async function reconnect(error: Error | 'end' = new Error('broken')): Promise<void> {
  const before = streams.length;
  await stream().tell(error);
  await jest.advanceTimersByTimeAsync(2000);
  expect(streams).toHaveLength(before + 1);
}

/** What a registry says that has lost its store to a client that resumes. */
const otherStore = new ClientError('/Watch', Status.OUT_OF_RANGE, 'a future revision');

describe('the first answer', () => {
  it('is taken as it is, empty or not', async () => {
    expect(watch.snapshot).toBeUndefined();
    expect(stream().request).toEqual({
      history: '',
      services: ['echo'],
      client: 'me',
      watchId: expect.any(String),
    });
    await stream().tell(snapshot(5n));
    expect(told).toEqual(['all +[] -[]']);
    expect(watch.snapshot).toMatchObject({ instances: [], revision: 5n, stale: false });
    expect(watch.whole).toEqual({ isComplete: true, put: [], removed: [], revision: 5n });
  });

  it('is called missing once every replica has failed, and still comes', async () => {
    await reconnect();
    expect(told).toEqual([]);
    expect(watch.failure).toBeUndefined();
    await reconnect();
    expect(told).toEqual([expect.stringContaining('the registry at r1, r2 does not answer')]);
    expect(watch.failure).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    await stream().tell(snapshot(5n, instance('a')));
    expect(watch.failure).toBeUndefined();
    expect(known()).toEqual(['a']);
  });
});

describe('a stream', () => {
  it('that breaks or ends is resumed after the last revision, at the next replica', async () => {
    await stream().tell(snapshot(5n, instance('a')));
    await stream().tell(response({ progress: { revision: 9n } }));
    await reconnect();
    expect(stream().request).toMatchObject({
      services: ['echo'],
      fromRevision: 9n,
      history: 'h',
    });
    await reconnect('end');
    expect(failovers).toBe(2);
    expect(known()).toEqual(['a']);
    expect(told).toHaveLength(1);
  });

  it('that says nothing at first is given up after 3 s, later after 30 s', async () => {
    await jest.advanceTimersByTimeAsync(2999);
    expect(stream().signal.aborted).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(streams[0]?.signal.aborted).toBe(true);
    await jest.advanceTimersByTimeAsync(1000);
    await stream().tell(snapshot(5n, instance('a')));
    await jest.advanceTimersByTimeAsync(29_000);
    await stream().tell(response({ progress: { revision: 5n } }));
    await jest.advanceTimersByTimeAsync(29_999);
    expect(stream().signal.aborted).toBe(false);
    await jest.advanceTimersByTimeAsync(1);
    expect(streams[1]?.signal.aborted).toBe(true);
  });

  it('that is of another store is begun anew, and replaces all', async () => {
    await stream().tell(snapshot(5n, instance('a'), instance('b')));
    await reconnect(otherStore);
    expect(stream().request).toEqual({
      history: '',
      services: ['echo'],
      client: 'me',
      watchId: expect.any(String),
    });
    await stream().tell(snapshot(2n, instance('b')));
    expect(told.at(-1)).toBe('all +[b] -[a]');
  });
});

describe('what is known', () => {
  it('is stale past its TTL, and when the registry has lost its store', async () => {
    await stream().tell(snapshot(5n, instance('a')));
    const first = watch.snapshot;
    expect(watch.snapshot).toBe(first);
    await stream().tell(response({ progress: { revision: 5n }, stale: true }));
    expect(watch.snapshot).toMatchObject({ stale: true });
    await stream().tell(response({ progress: { revision: 5n } }));
    expect(watch.snapshot).toMatchObject({ stale: false });
    await jest.advanceTimersByTimeAsync(29_000);
    await stream().tell('end');
    await jest.advanceTimersByTimeAsync(31_500);
    expect(watch.snapshot).toMatchObject({ stale: true });
    expect(known()).toEqual(['a']);
  });
});

describe('a loss while the registry was in trouble', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id, index) =>
    instance(id, { address: { host: '127.0.0.1', port: 1001 + index } }),
  ) as [Instance, Instance, Instance];

  beforeEach(async () => {
    await stream().tell(snapshot(5n, a, b, c));
    told.length = 0;
    await reconnect(otherStore);
    await stream().tell(snapshot(1n));
  });

  it('F14: an empty set keeps the old one until it has stood for ten seconds, and says so', async () => {
    expect(told.splice(0)).toEqual(['all +[a b c] -[]', 'kept 3, listed 0: the watch broke']);
    expect(watch.snapshot).toMatchObject({ kept: 3, stale: true });
    expect(known()).toEqual(['a', 'b', 'c']);
    const kept = { count: 3, reason: 'the watch broke' };
    expect(watch.whole).toMatchObject({ put: [a, b, c], kept });
    // The stream has been there for some of the two seconds that the reconnect was given.
    await jest.advanceTimersByTimeAsync(7900);
    expect(told).toEqual([]);
    await jest.advanceTimersByTimeAsync(2100);
    expect(told).toEqual(['delta +[] -[a b c]', 'released, listed 0']);
    expect(watch.snapshot).toMatchObject({ instances: [], kept: 0, stale: false });
    expect(watch.whole?.kept).toBeUndefined();
  });

  it('F15: keeps those who are not back yet beside those who are', async () => {
    told.length = 0;
    await stream().tell(event(2n, EVENT_TYPE_PUT, { ...b, modRevision: 2n }));
    expect(told.splice(0)).toEqual(['delta +[b] -[]']);
    expect(watch.snapshot).toMatchObject({ kept: 2, stale: true });
    await stream().tell(event(3n, EVENT_TYPE_PUT, { ...a, modRevision: 3n }));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(told).toEqual(['delta +[a] -[]', 'delta +[] -[c]', 'released, listed 2']);
    expect(known()).toEqual(['a', 'b']);
  });

  it('F15: is over as soon as all are back', async () => {
    told.length = 0;
    const events = [a, b, c].map((each) => [EVENT_TYPE_PUT, { ...each, modRevision: 2n }] as const);
    await stream().tell(eventsOf(2n, ...events));
    expect(told).toEqual(['delta +[a b c] -[]', 'released, listed 3']);
    expect(watch.snapshot).toMatchObject({ kept: 0, stale: false });
  });

  it('F14: an empty set is not confirmed by another registry that has just restarted', async () => {
    told.length = 0;
    await jest.advanceTimersByTimeAsync(7000);
    await reconnect(otherStore);
    await stream().tell(snapshot(1n));
    await jest.advanceTimersByTimeAsync(7900);
    expect(known()).toEqual(['a', 'b', 'c']);
    await jest.advanceTimersByTimeAsync(2100);
    expect(known()).toEqual([]);
  });

  it('F14: an empty set is not confirmed by a registry without its store', async () => {
    await stream().tell(response({ progress: { revision: 1n }, stale: true }));
    await jest.advanceTimersByTimeAsync(20_000);
    await stream().tell(response({ progress: { revision: 1n } }));
    await jest.advanceTimersByTimeAsync(9900);
    expect(known()).toEqual(['a', 'b', 'c']);
    await jest.advanceTimersByTimeAsync(100);
    expect(known()).toEqual([]);
  });
});

describe('a loss while all is well', () => {
  it('F15: is believed at once when a snapshot of the same history comes in place of changes', async () => {
    const long = ['a', 'b'].map((id) => instance(id, { ttlSeconds: 600 }));
    await stream().tell(snapshot(5n, ...long));
    await stream().tell(snapshot(6n));
    expect(watch.snapshot).toMatchObject({ instances: [], kept: 0, stale: false });
  });

  it.each([
    ['another history', { ...snapshot(6n).snapshot, history: 'other' }],
    ['a history without a name', { ...snapshot(6n).snapshot, history: '' }],
    ['an earlier revision', snapshot(4n).snapshot],
  ])('F15: is doubted when a snapshot of %s comes', async (_, anew) => {
    await stream().tell(snapshot(5n, instance('a'), instance('b')));
    await stream().tell(response({ snapshot: anew as Snapshot }));
    expect(watch.snapshot).toMatchObject({ kept: 2, stale: true });
    expect(told.at(-1)).toBe('kept 2, listed 0: the registry began anew');
  });

  it('F14: is believed at once: the last instance has gone', async () => {
    await stream().tell(snapshot(5n, instance('a')));
    await reconnect();
    await stream().tell(response({ progress: { revision: 6n } }));
    await jest.advanceTimersByTimeAsync(10_000);
    await stream().tell(event(7n, EventType.EVENT_TYPE_DELETE, instance('a')));
    expect(told.at(-1)).toBe('delta +[] -[a]');
    expect(watch.snapshot).toMatchObject({ instances: [], kept: 0, stale: false });
  });
});

describe('trying again', () => {
  it('F20: is immediate at another replica the first time, and jittered then', async () => {
    await stream().tell(new Error('broken'));
    await jest.advanceTimersByTimeAsync(0);
    expect(streams).toHaveLength(2);
    await stream().tell(new Error('broken'));
    await jest.advanceTimersByTimeAsync(99);
    expect(streams).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    expect(streams).toHaveLength(3);
  });

  it('F20: is immediate again after a stream that lived, not after one that ends as it begins', async () => {
    await stream().tell(snapshot(5n));
    await stream().tell('end');
    await jest.advanceTimersByTimeAsync(0);
    await stream().tell(snapshot(5n));
    await stream().tell('end');
    await jest.advanceTimersByTimeAsync(99);
    expect(streams).toHaveLength(2);
    await jest.advanceTimersByTimeAsync(1);
    await stream().tell(snapshot(5n));
    await jest.advanceTimersByTimeAsync(2001);
    await stream().tell('end');
    await jest.advanceTimersByTimeAsync(0);
    expect(streams).toHaveLength(4);
  });

  it('F20: waits when there is no other replica', async () => {
    hasOther = false;
    await stream().tell(new Error('broken'));
    await jest.advanceTimersByTimeAsync(49);
    expect(streams).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(streams).toHaveLength(2);
  });
});

describe('what the registry wants acknowledged', () => {
  const acknowledged = (part: WatchResponse) => ({ ...part, acknowledge: true });

  it('is, once the followers have been told', async () => {
    await stream().tell(snapshot(5n, instance('a'), instance('b')));
    const removed = event(6n, EventType.EVENT_TYPE_DELETE, instance('a'));
    await stream().tell(acknowledged(removed));
    expect(told.at(-1)).toBe('delta +[] -[a]');
    await jest.advanceTimersByTimeAsync(0);
    expect(told.at(-1)).toBe('acknowledged 6');
    await stream().tell(event(7n, EVENT_TYPE_PUT, instance('c')));
    await jest.advanceTimersByTimeAsync(0);
    expect(told.filter((each) => each.startsWith('acknowledged'))).toHaveLength(1);
  });

  it('is not while it is doubted that all are gone: calls go to them still', async () => {
    await stream().tell(snapshot(5n, instance('a')));
    await reconnect();
    await stream().tell(acknowledged(snapshot(6n)));
    await jest.advanceTimersByTimeAsync(100);
    expect(told.some((each) => each.startsWith('acknowledged'))).toBe(false);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(told).toContain('delta +[] -[a]');
    await stream().tell(response({ progress: { revision: 7n } }));
    await jest.advanceTimersByTimeAsync(0);
    expect(told.at(-1)).toBe('acknowledged 7');
  });
});
