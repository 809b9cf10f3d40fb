import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { EventType } from '@weft/proto/registry';
import { Catalog } from '../../../registry/src/store/catalog.ts';
import { WatchHub } from '../../../registry/src/watch-hub.ts';
import type { Watcher } from '../../../registry/src/watcher.ts';
import { storedInstance } from './fixtures.ts';

const never = new AbortController().signal;

function hubOf(maxPending = 10) {
  const catalog = new Catalog();
  catalog.replace([], 100n);
  const hub = new WatchHub(catalog, { maxPending, maxPerPeer: 2 });
  let revision = 100n;
  const put = (service: string, count = 1, isOneRevision = false, metadata = new Map()) => {
    if (isOneRevision) revision += 1n;
    const events = Array.from({ length: count }, (_, index) => {
      if (!isOneRevision) revision += 1n;
      const id = `i${index}`;
      const instance = storedInstance({ service, id, modRevision: revision, metadata });
      return { type: EventType.EVENT_TYPE_PUT, instance, revision };
    });
    catalog.apply(events);
  };
  return { catalog, hub, put };
}

/** Whether a watcher has nothing to say for some turns of the event loop. */
async function isQuiet(watcher: Watcher): Promise<boolean> {
  const ended = new AbortController();
  let isSaid = false;
  const next = watcher.next(60_000, ended.signal).then((message) => {
    isSaid = message !== undefined;
  });
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  const wasSaid = isSaid;
  ended.abort();
  await next;
  return !wasSaid;
}

describe('a watch', () => {
  it('starts with a snapshot, follows its services only, and marks progress when quiet', async () => {
    const { hub, put } = hubOf();
    put('user');
    using opened = hub.open('p', { services: new Set(['user']) });
    put('user-admin');
    put('user');
    const first = await opened.watcher.next(1000, never);
    expect(first?.snapshot).toMatchObject({ revision: 103n, instances: [{ service: 'user' }] });
    put('user-admin');
    put('user', 2);
    const second = await opened.watcher.next(1000, never);
    expect(second?.events?.events.map((event) => event.revision)).toEqual([105n, 106n]);
    expect(second?.events?.revision).toBe(106n);
    expect((await opened.watcher.next(1, never))?.progress).toEqual({ revision: 106n });
  });

  it('goes on after a revision without a snapshot, and from a compacted one with', async () => {
    const { hub, put } = hubOf();
    put('user', 3);
    using held = hub.open('p', { fromRevision: 101n });
    const first = await held.watcher.next(1000, never);
    expect(first?.events?.events.map((event) => event.revision)).toEqual([102n, 103n]);
    using compacted = hub.open('p', { fromRevision: 99n });
    expect((await compacted.watcher.next(1000, never))?.snapshot?.revision).toBe(103n);
  });

  it('fails a watcher that lets more pile up than it may, and leaves the others alone', async () => {
    const { hub, put } = hubOf(10);
    using slow = hub.open('p', { fromRevision: 100n });
    using fast = hub.open('p', { fromRevision: 100n });
    for (let round = 0; round < 4; round += 1) {
      put('user', 3);
      await fast.watcher.next(1000, never);
    }
    await expect(slow.watcher.next(1000, never)).rejects.toThrow(/reads too slowly/);
    put('user');
    expect((await fast.watcher.next(1000, never))?.events?.revision).toBe(113n);
  });

  it('answers one change larger than the queue with a snapshot', async () => {
    const { hub, put } = hubOf(10);
    using opened = hub.open('p', { fromRevision: 100n });
    put('user', 50, true);
    expect((await opened.watcher.next(1000, never))?.snapshot?.instances).toHaveLength(50);
  });

  it('never parts a revision over two messages', async () => {
    const { hub, put } = hubOf(1000);
    using opened = hub.open('p', { fromRevision: 100n });
    put('user', 200);
    put('user', 300, true);
    put('user', 1);
    const sizes = [];
    for (let message = 0; message < 3; message += 1) {
      sizes.push((await opened.watcher.next(1000, never))?.events?.events.length);
    }
    expect(sizes).toEqual([200, 300, 1]);
  });

  /** Labels of 64 KB: 16 instances with them make 1 MiB. */
  const large = new Map(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'x'.repeat(4080)]));

  it('keeps messages to about 1 MiB', async () => {
    const { hub, put } = hubOf(1000);
    using opened = hub.open('p', { fromRevision: 100n });
    put('user', 40, false, large);
    const sizes = [];
    for (let message = 0; message < 3; message += 1) {
      sizes.push((await opened.watcher.next(1000, never))?.events?.events.length);
    }
    expect(sizes).toEqual([15, 15, 10]);
  });

  it('answers one revision too large for a message with a snapshot', async () => {
    const { hub, put } = hubOf(1000);
    using opened = hub.open('p', { fromRevision: 100n });
    put('user', 1);
    put('user', 80, true, large);
    expect((await opened.watcher.next(1000, never))?.events?.revision).toBe(101n);
    expect((await opened.watcher.next(1000, never))?.snapshot).toMatchObject({ more: true });
  });

  it('ends a snapshot it has begun before a new one, and changes come after it', async () => {
    const { catalog, hub, put } = hubOf(1000);
    put('user', 20, true, large);
    using opened = hub.open('p', {});
    const next = async () => (await opened.watcher.next(1000, never))?.snapshot;
    expect(await next()).toMatchObject({ revision: 101n, more: true });
    put('user', 1);
    catalog.replace([], 103n, 'another');
    expect(await next()).toMatchObject({ revision: 101n, more: false });
    expect(await next()).toMatchObject({ revision: 103n, more: false, instances: [] });
  });

  it('tells staleness at once and ends with its signal', async () => {
    const { catalog, hub } = hubOf();
    catalog.setStale(false);
    using opened = hub.open('p', {});
    expect((await opened.watcher.next(1000, never))?.stale).toBe(false);
    const next = opened.watcher.next(10_000, never);
    catalog.setStale(true);
    expect(await next).toEqual({ progress: { revision: 100n }, stale: true, acknowledge: false });
    const ender = new AbortController();
    const ended = opened.watcher.next(10_000, ender.signal);
    ender.abort();
    expect(await ended).toBeUndefined();
  });

  it('says where it is when it is to, by what is new or else by a mark', async () => {
    const { hub, put } = hubOf();
    using opened = hub.open('p', { fromRevision: 100n });
    await opened.watcher.next(1000, never);
    const next = opened.watcher.next(60_000, never);
    opened.watcher.speak();
    expect((await next)?.progress).toEqual({ revision: 100n });
    put('user');
    opened.watcher.speak();
    expect((await opened.watcher.next(1000, never))?.events?.revision).toBe(101n);
    expect(await isQuiet(opened.watcher)).toBe(true);
  });

  it('of many brings what happened before its turn in one message, and nothing after it', async () => {
    const { hub, put } = hubOf();
    const watchers = Array.from({ length: 100 }, (_, index) => {
      return hub.open(`p${index}`, { fromRevision: 100n }).watcher;
    });
    await Promise.all(watchers.map((watcher) => watcher.next(1000, never)));
    const next = watchers.map((watcher) => watcher.next(60_000, never));
    put('user');
    await setImmediate();
    put('user');
    const revisions = (await Promise.all(next)).map((message) => message?.events?.revision);
    const early = revisions.filter((revision) => revision === 101n).length;
    expect(early).toBeGreaterThan(0);
    expect(revisions.slice(early)).toEqual(Array(100 - early).fill(102n));
    for (const watcher of watchers.slice(0, early)) {
      expect((await watcher.next(1000, never))?.events?.revision).toBe(102n);
    }
    for (const watcher of watchers) expect(await isQuiet(watcher)).toBe(true);
  });

  it('brings a revision that concerns several of its services as one', async () => {
    const { catalog, hub } = hubOf();
    using opened = hub.open('p', { services: new Set(['user', 'order']), fromRevision: 100n });
    const names = ['user', 'other', 'order', 'user'];
    const events = names.map((service, index) => ({
      type: EventType.EVENT_TYPE_PUT,
      instance: storedInstance({ service, id: `i${index}`, modRevision: 101n }),
      revision: 101n,
    }));
    catalog.apply(events);
    const message = await opened.watcher.next(1000, never);
    expect(message?.events?.events).toEqual([events[0], events[2], events[3]]);
  });

  it('is not even told of changes to other services, nor of any once it is closed', () => {
    const { hub, put } = hubOf();
    const told: string[] = [];
    const follow = (service: string) => {
      const opened = hub.open(service, { services: new Set([service]), fromRevision: 100n });
      opened.watcher.notice = () => void told.push(service);
      return opened;
    };
    const [a, b] = [follow('a'), follow('b')];
    put('a');
    b[Symbol.dispose]();
    put('b');
    put('a');
    expect(told).toEqual(['a', 'a']);
    a[Symbol.dispose]();
  });

  it('is limited per connection', () => {
    const { hub } = hubOf();
    using _first = hub.open('p', {});
    const second = hub.open('p', {});
    expect(() => hub.open('p', {})).toThrow(/2 watches already/);
    using _other = hub.open('q', {});
    second[Symbol.dispose]();
    using _again = hub.open('p', {});
    expect(hub.size).toBe(3);
  });
});
