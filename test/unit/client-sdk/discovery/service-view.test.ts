import { describe, expect, it } from '@jest/globals';
import { EventType, type Instance, type WatchResponse } from '@weft/proto/registry';
import { ServiceView } from '../../../../client-sdk/src/discovery/service-view.ts';
import { instance } from '../fixtures.ts';
import { event, events, response, snapshot } from './watch-responses.ts';

const { EVENT_TYPE_DELETE, EVENT_TYPE_PUT } = EventType;

function ids(instances: readonly Instance[]): string[] {
  return instances.map(({ id }) => id);
}

/** What `told` changes, with ids in place of instances. */
function apply(view: ServiceView, told: WatchResponse) {
  const changes = view.apply(told);
  return changes && { ...changes, put: ids(changes.put), removed: ids(changes.removed) };
}

describe('ServiceView', () => {
  it('knows nothing before the first response', () => {
    const view = new ServiceView();
    expect(view.revision).toBeUndefined();
    expect(view.instances).toEqual([]);
  });

  it('counts an empty first snapshot as news, and the next one not', () => {
    const view = new ServiceView();
    const nothing = { isComplete: true, put: [], removed: [], revision: 5n };
    expect(apply(view, snapshot(5n))).toEqual(nothing);
    expect(apply(view, snapshot(6n))).toBeUndefined();
    expect(view.revision).toBe(6n);
  });

  it('follows events and progress', () => {
    const view = new ServiceView();
    const first = { isComplete: true, put: ['a'], removed: [], revision: 5n };
    expect(apply(view, snapshot(5n, instance('a')))).toEqual(first);
    const came = { isComplete: false, put: ['b'], removed: [], revision: 6n };
    expect(apply(view, event(6n, EVENT_TYPE_PUT, instance('b')))).toEqual(came);
    expect(ids(view.instances)).toEqual(['a', 'b']);
    const left = { isComplete: false, put: [], removed: ['a'], revision: 7n };
    expect(apply(view, event(7n, EVENT_TYPE_DELETE, instance('a')))).toEqual(left);
    expect(ids(view.instances)).toEqual(['b']);
    expect(apply(view, response({ progress: { revision: 9n } }))).toBeUndefined();
    expect(view.revision).toBe(9n);
  });

  it('tells of one that is gone as it was last, whatever the event says of it', () => {
    const view = new ServiceView();
    const [a] = [instance('a', { weight: 3 })];
    view.apply(snapshot(5n, a));
    expect(view.apply(event(6n, EVENT_TYPE_DELETE, instance('a')))?.removed).toEqual([a]);
    expect(apply(view, event(7n, EVENT_TYPE_DELETE, instance('a')))).toBeUndefined();
  });

  it('tells of a new snapshot only what is other than before', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a'), instance('b'), instance('c')));
    const changed = instance('b', { weight: 2, modRevision: 8n });
    expect(apply(view, snapshot(9n, instance('a'), changed, instance('d')))).toEqual({
      isComplete: false,
      put: ['b', 'd'],
      removed: ['c'],
      revision: 9n,
    });
  });

  it('keeps the object of what did not change through a snapshot, and drops what is gone', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a'), instance('b'), instance('c')));
    const [a, b] = view.instances;
    const changed = instance('b', { weight: 2, modRevision: 8n });
    expect(view.apply(snapshot(9n, instance('a'), changed))).toBeDefined();
    expect(view.instances).toEqual([instance('a'), changed]);
    expect(view.instances[0]).toBe(a);
    expect(view.instances[1]).not.toBe(b);
    const again = instance('a', { leaseId: 2n });
    expect(view.apply(snapshot(9n, again, changed))?.put).toEqual([again]);
    view.apply(snapshot(9n, instance('a'), changed));
    const same = snapshot(10n, instance('b', { modRevision: 8n }), instance('a'));
    expect(view.apply(same)).toBeUndefined();
  });

  it('takes nothing of another store for unchanged, whatever its revisions', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a'), instance('b')));
    view.forgetRevision();
    expect(view.revision).toBeUndefined();
    expect(view.instances).toHaveLength(2);
    const moved = instance('a', { address: { host: '127.0.0.1', port: 9 }, incarnation: 'a-2' });
    expect(view.apply(snapshot(3n, moved))).toEqual({
      isComplete: true,
      put: [moved],
      removed: [instance('b')],
      revision: 3n,
    });
    expect(view.instances[0]).toBe(moved);
  });

  it('counts it as news when the registry loses its store and finds it again', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    const progress = { progress: { revision: 5n } };
    const news = { isComplete: false, put: [], removed: [], revision: 5n };
    expect(view.apply(response({ ...progress, stale: true }))).toEqual(news);
    expect(view.isStoreAway).toBe(true);
    expect(view.apply(response({ ...progress, stale: true }))).toBeUndefined();
    expect(view.apply(response(progress))).toEqual(news);
    expect(view.instances).toHaveLength(1);
  });

  it('is not disturbed by an event without an instance', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    expect(view.apply(event(6n, EVENT_TYPE_PUT, undefined))).toBeUndefined();
    expect(view.instances).toHaveLength(1);
  });
});

describe('several events of one instance in a response', () => {
  const put = (part: Partial<Instance>) => [EVENT_TYPE_PUT, instance('a', part)] as const;
  const gone = [EVENT_TYPE_DELETE, instance('a')] as const;

  it('count as the last', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n));
    const changes = view.apply(events(9n, put({ weight: 1 }), put({ weight: 2 })));
    expect(changes?.put).toEqual([instance('a', { weight: 2 })]);
    expect(changes?.removed).toEqual([]);
  });

  it('of one that came and went are no more than its end', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n));
    expect(apply(view, events(9n, put({}), gone))).toMatchObject({ put: [], removed: ['a'] });
    expect(view.instances).toEqual([]);
  });

  it('of one that went and came back tell of both incarnations', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    const again = put({ incarnation: 'a-2' });
    expect(view.apply(events(9n, gone, again))).toMatchObject({
      put: [instance('a', { incarnation: 'a-2' })],
      removed: [instance('a')],
    });
    expect(view.instances).toEqual([instance('a', { incarnation: 'a-2' })]);
  });
});
