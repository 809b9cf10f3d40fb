import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventType, Health, InstanceStatus } from '@weft/proto/registry';
import type { Store } from '../../registry/src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

const { HEALTH_UNSPECIFIED, HEALTH_SERVING, HEALTH_NOT_SERVING } = Health;

/** What every store must do, whatever it keeps instances in. Each test uses a service of its own. */
export function describeStore(name: string, create: () => Promise<Store>): void {
  describe(`${name} store`, () => {
    let store: Store;
    let count = 0;
    const described = (over: Parameters<typeof describedInstance>[0] = {}) =>
      describedInstance({ service: `service-${count}`, ...over });
    const next = () => {
      count += 1;
      return described();
    };
    const addressAt = (port: number) => ({ host: '127.0.0.1', port });
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => 'no error',
        (error: { code?: string }) => error.code,
      );

    beforeAll(async () => {
      store = await create();
      await store.catalog.completed;
    });
    afterAll(() => store.close());

    it('lists what is registered, at the revision it answers', async () => {
      const description = next();
      const { instance, revision } = await store.register(description, 10);
      expect(instance).toMatchObject({ ...description, ttlSeconds: 10, modRevision: revision });
      expect(instance.leaseId).toBeGreaterThan(0n);
      expect(instance.createRevision).toBe(revision);
      expect(store.catalog.get(instance.service, 'a')).toEqual(instance);
      expect(await store.latestRevision()).toBeGreaterThanOrEqual(revision);
    });

    it('gives the same incarnation its lease back, and takes what it now says', async () => {
      const description = { ...next(), startTime: undefined };
      const first = await store.register(description, 10);
      const again = await store.register(description, 10);
      expect(again.instance).toEqual(first.instance);
      const moved = await store.register({ ...description, address: addressAt(9), weight: 3 }, 10);
      expect(moved.instance).toMatchObject({
        leaseId: first.instance.leaseId,
        startTime: first.instance.startTime,
        address: addressAt(9),
        weight: 3,
      });
      expect(moved.revision).toBeGreaterThan(first.revision);
      expect(await store.keepAlive([first.instance.leaseId])).toEqual([10]);
    });

    it('replaces another incarnation at the same address, with its lease', async () => {
      const description = next();
      const first = await store.register(description, 10);
      const second = await store.register({ ...description, incarnation: 'second' }, 10);
      expect(second.instance.leaseId).not.toBe(first.instance.leaseId);
      await eventually(async () => {
        expect(await store.keepAlive([first.instance.leaseId])).toEqual([0]);
      });
      expect(store.catalog.get(description.service, 'a')).toEqual(second.instance);
    });

    it('refuses another incarnation at another address', async () => {
      const description = next();
      const first = await store.register(description, 10);
      const other = { ...description, incarnation: 'second', address: addressAt(9) };
      expect(await code(store.register(other, 10))).toBe('conflict');
      expect(store.catalog.get(description.service, 'a')).toEqual(first.instance);
    });

    it('keeps leases alive, and answers 0 for unknown ones, in order', async () => {
      const { instance } = await store.register(next(), 10);
      expect(await store.keepAlive([1n, instance.leaseId, 2n, instance.leaseId])).toEqual([
        0, 10, 0, 10,
      ]);
    });

    it('drops an instance whose lease is not renewed, and keeps one whose is', async () => {
      const { instance } = await store.register(next(), 2);
      const { instance: kept } = await store.register(described({ id: 'kept' }), 2);
      await eventually(
        async () => {
          expect(await store.keepAlive([kept.leaseId])).toEqual([2]);
          expect(store.catalog.get(instance.service, 'a')).toBeUndefined();
        },
        { withinMs: 6000, everyMs: 100 },
      );
      expect(await store.keepAlive([instance.leaseId])).toEqual([0]);
      expect(store.catalog.get(instance.service, 'kept')).toEqual(kept);
    });

    it('updates what is named, under the same lease', async () => {
      const description = next();
      const { instance } = await store.register(description, 10);
      const { service, id, leaseId } = instance;
      const status = InstanceStatus.INSTANCE_STATUS_STOPPING;
      const updated = await store.update({ service, id, leaseId }, { status });
      expect(updated.instance).toEqual({ ...instance, status, modRevision: updated.revision });
      const labels = new Map([['__proto__', 'data']]);
      const again = await store.update(
        { service, id, leaseId: 0n },
        { weight: 0, metadata: labels },
      );
      expect(again.instance).toMatchObject({ status, weight: 0, leaseId });
      expect(again.instance.metadata).toEqual(labels);
      expect(store.catalog.get(service, id)).toEqual(again.instance);
      expect(await store.keepAlive([leaseId])).toEqual([10]);
    });

    it('notes what a health check found of an instance as it is, and of no other', async () => {
      const check = { service: '' };
      const description = { ...next(), healthCheck: check };
      const { instance } = await store.register(description, 10);
      const { service, id } = instance;
      expect(await store.setHealth(instance, HEALTH_NOT_SERVING)).toBe(true);
      await eventually(() =>
        expect(store.catalog.get(service, id)?.health).toBe(HEALTH_NOT_SERVING),
      );
      // Changed since: the check has to look again.
      expect(await store.setHealth(instance, HEALTH_SERVING)).toBe(false);
      // It says of itself what it likes, and stays as it was found; another process was not found yet.
      const moved = await store.register({ ...description, weight: 3 }, 10);
      expect(moved.instance).toMatchObject({ weight: 3, health: HEALTH_NOT_SERVING });
      const unchecked = await store.register({ ...description, healthCheck: undefined }, 10);
      expect(unchecked.instance.health).toBe(HEALTH_UNSPECIFIED);
      await store.deregister({ service, id, leaseId: 0n });
      expect(await store.setHealth(unchecked.instance, HEALTH_SERVING)).toBe(false);
      expect(store.catalog.get(service, id)).toBeUndefined();
    });

    it('refuses an update of an instance that is not there, or has another lease', async () => {
      const description = next();
      const { service, id } = description;
      expect(await code(store.update({ service, id, leaseId: 0n }, {}))).toBe('not-found');
      const { instance } = await store.register(description, 10);
      expect(await code(store.update({ service, id, leaseId: 1n }, { weight: 2 }))).toBe(
        'superseded',
      );
      expect(store.catalog.get(service, id)).toEqual(instance);
    });

    it('deregisters once, and never a successor', async () => {
      const description = next();
      const { instance } = await store.register(description, 10);
      const { service, id, leaseId } = instance;
      expect(await store.deregister({ service, id, leaseId: leaseId + 1n })).toMatchObject({
        removed: false,
      });
      const { removed, revision } = await store.deregister({ service, id, leaseId });
      expect(removed).toBe(true);
      expect(revision).toBeGreaterThan(instance.modRevision);
      expect(store.catalog.get(service, id)).toBeUndefined();
      expect(await store.deregister({ service, id, leaseId })).toMatchObject({ removed: false });
      expect(await store.keepAlive([leaseId])).toEqual([0]);
      await store.register(description, 10);
      expect((await store.deregister({ service, id, leaseId: 0n })).removed).toBe(true);
    });

    it('tells every change in revision order, nothing twice', async () => {
      const { service } = next();
      const from = store.catalog.revision;
      const ids = Array.from({ length: 20 }, (_, index) => `i${index}`);
      const written = await Promise.all(
        ids.map((id, port) => store.register(described({ id, address: addressAt(port + 1) }), 10)),
      );
      const gone = await Promise.all(written.map(({ instance }) => store.deregister(instance)));
      await eventually(() => expect(store.catalog.instances(service)).toEqual([]));
      const events = (store.catalog.eventsSince(from) ?? []).filter(
        ({ instance }) => instance.service === service,
      );
      const revisions = events.map(({ revision }) => revision);
      expect(revisions).toEqual([...revisions].sort((a, b) => (a < b ? -1 : 1)));
      const puts = events.filter(({ type }) => type === EventType.EVENT_TYPE_PUT);
      const deletes = events.filter(({ type }) => type === EventType.EVENT_TYPE_DELETE);
      expect(
        [puts, deletes].map((of) => new Set(of.map((event) => event.instance.id)).size),
      ).toEqual([20, 20]);
      expect(events).toHaveLength(40);
      expect(gone.every(({ removed }) => removed)).toBe(true);
    });

    it('lets one of many registrations at once win', async () => {
      const description = next();
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          code(
            store.register(
              { ...description, incarnation: `run-${index}`, address: addressAt(index + 1) },
              10,
            ),
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'no error')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(9);
    });
  });
}
