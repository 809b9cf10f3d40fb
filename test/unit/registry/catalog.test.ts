import { describe, expect, it } from '@jest/globals';
import { EventType } from '@weft/proto/registry';
import { Catalog, type CatalogNotice } from '../../../registry/src/store/catalog.ts';
import { storedInstance } from './fixtures.ts';

const at = (id: string, modRevision: bigint, service = 'user') =>
  storedInstance({ service, id, modRevision });

const put = (id: string, revision: bigint, service?: string) => ({
  type: EventType.EVENT_TYPE_PUT,
  instance: at(id, revision, service),
  revision,
});

function filled() {
  const catalog = new Catalog();
  catalog.replace([at('b', 1n), at('a', 2n), at('x', 2n, 'user-admin')], 5n);
  const notices: CatalogNotice[] = [];
  catalog.subscribe((notice) => notices.push(notice));
  return { catalog, notices };
}

describe('Catalog', () => {
  it('keeps services apart, sorted by id, and forgets a service with its last instance', () => {
    const { catalog } = filled();
    expect(catalog.services).toEqual(['user', 'user-admin']);
    expect(catalog.instances('user').map(({ id }) => id)).toEqual(['a', 'b']);
    expect(catalog.instances('us')).toEqual([]);
    catalog.apply([{ ...put('x', 6n, 'user-admin'), type: EventType.EVENT_TYPE_DELETE }]);
    expect(catalog.services).toEqual(['user']);
  });

  it('ignores changes it has seen already', () => {
    const { catalog, notices } = filled();
    catalog.apply([put('old', 5n), put('new', 6n)]);
    catalog.apply([put('again', 6n)]);
    expect(catalog.instances('user').map(({ id }) => id)).toEqual(['a', 'b', 'new']);
    expect(notices).toHaveLength(1);
    expect(catalog.revision).toBe(6n);
  });

  it('tells what a new list changes as events at its revision', () => {
    const { catalog, notices } = filled();
    catalog.replace([at('a', 2n), at('b', 7n), at('c', 8n)], 9n);
    const [notice] = notices;
    expect(notice?.kind).toBe('events');
    const events = notice?.kind === 'events' ? notice.events : [];
    expect(events.map(({ type, instance, revision }) => [type, instance.id, revision])).toEqual([
      [EventType.EVENT_TYPE_PUT, 'b', 9n],
      [EventType.EVENT_TYPE_PUT, 'c', 9n],
      [EventType.EVENT_TYPE_DELETE, 'x', 9n],
    ]);
    expect(catalog.eventsSince(5n)).toHaveLength(3);
    const before = notice?.kind === 'events' ? notice.before : [];
    expect(before.map((each) => each?.modRevision)).toEqual([1n, undefined, 2n]);
  });

  it('tells a list of another history as a new set, even at a lower revision', () => {
    const { catalog, notices } = filled();
    catalog.replace([at('z', 2n)], 3n, 'another');
    const gone = { type: EventType.EVENT_TYPE_DELETE };
    const events = [{ instance: { id: 'z' } }, gone, gone, gone];
    expect(notices).toMatchObject([{ kind: 'reset', events }]);
    expect(catalog.services).toEqual(['user']);
    expect(catalog.instances('user').map(({ id }) => id)).toEqual(['z']);
    expect(catalog.eventsSince(2n)).toBeUndefined();
    expect(catalog.revision).toBe(3n);
  });

  it('tells a repair at the revision held as a new set, also to whoever goes on from there', () => {
    const { catalog, notices } = filled();
    catalog.replace([at('b', 1n), at('lost', 4n)], 5n);
    expect(notices).toMatchObject([{ kind: 'reset' }]);
    expect(catalog.instances('user').map(({ id }) => id)).toEqual(['b', 'lost']);
    expect(catalog.eventsSince(5n)).toBeUndefined();
    catalog.replace([at('b', 1n), at('lost', 4n)], 6n);
    expect(notices).toHaveLength(1);
    expect(catalog.revision).toBe(6n);
  });

  it('F13: lets nobody go on from between a list and what was known before it', () => {
    const { catalog } = filled();
    // Another replica may have told of what came and went meanwhile; this one never can.
    catalog.replace([at('b', 1n), at('c', 8n)], 9n);
    expect(catalog.eventsSince(5n)).toHaveLength(3);
    expect(catalog.eventsSince(7n)).toBeUndefined();
    expect(catalog.eventsSince(9n)).toEqual([]);
    catalog.replace([at('b', 1n), at('c', 8n)], 12n);
    expect(catalog.eventsSince(10n)).toBeUndefined();
    expect(catalog.eventsSince(5n)).toHaveLength(3);
    catalog.skipTo(15n);
    expect(catalog.eventsSince(13n)).toBeUndefined();
    expect(catalog.eventsSince(12n)).toEqual([]);
    catalog.advance(20n);
    expect(catalog.eventsSince(18n)).toEqual([]);
  });

  it('finds an instance by its lease', () => {
    const { catalog } = filled();
    const moved = { ...put('a', 6n), instance: { ...at('a', 6n), leaseId: 8n } };
    catalog.apply([moved]);
    expect(catalog.ofLease(8n)).toBe(moved.instance);
    catalog.apply([{ ...moved, revision: 7n, type: EventType.EVENT_TYPE_DELETE }]);
    expect(catalog.ofLease(8n)).toBeUndefined();
  });

  it('counts, and lists services from a name on', () => {
    const { catalog } = filled();
    catalog.apply([put('y', 6n, 'order'), put('a', 7n), put('z', 8n, 'zone')]);
    expect(catalog.size).toBe(5);
    expect([...catalog.servicesFrom('user')]).toEqual(['user', 'user-admin', 'zone']);
    expect([...catalog.servicesFrom('p')]).toEqual(['user', 'user-admin', 'zone']);
    catalog.apply([{ ...put('y', 9n, 'order'), type: EventType.EVENT_TYPE_DELETE }]);
    catalog.apply([{ ...put('y', 10n, 'order'), type: EventType.EVENT_TYPE_DELETE }]);
    expect(catalog.size).toBe(4);
    expect([...catalog.servicesFrom('')]).toEqual(['user', 'user-admin', 'zone']);
  });

  it('never changes what it has answered', () => {
    const { catalog } = filled();
    const [services, instances] = [catalog.services, catalog.instances('user')];
    catalog.apply([put('c', 6n), put('a', 7n), put('x', 8n, 'aa')]);
    expect(services).toEqual(['user', 'user-admin']);
    expect(instances.map(({ modRevision }) => modRevision)).toEqual([2n, 1n]);
  });

  it('waits for a revision within a bound', async () => {
    const { catalog } = filled();
    const reached = catalog.reached(6n, 10_000);
    expect(await catalog.reached(7n, 1)).toBe(false);
    catalog.apply([put('new', 6n)]);
    expect(await reached).toBe(true);
    expect(await catalog.reached(6n, 0)).toBe(true);
  });
});
