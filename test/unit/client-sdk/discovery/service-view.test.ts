import { describe, expect, it } from '@jest/globals';
import { EventType, type Instance, type WatchResponse } from '@weft/proto/registry';
import { ServiceView } from '../../../../client-sdk/src/discovery/service-view.ts';
import { instance } from '../fixtures.ts';

const { EVENT_TYPE_DELETE, EVENT_TYPE_PUT } = EventType;

function response(part: Partial<WatchResponse>): WatchResponse {
  return { snapshot: undefined, events: undefined, progress: undefined, stale: false, ...part };
}

function snapshot(revision: bigint, ...instances: Instance[]): WatchResponse {
  return response({ snapshot: { instances, revision, more: false } });
}

function event(revision: bigint, type: EventType, changed: Instance | undefined): WatchResponse {
  const each = { type, instance: changed, revision };
  return response({ events: { events: [each] as never, revision } });
}

describe('ServiceView', () => {
  it('knows nothing before the first response', () => {
    const view = new ServiceView();
    expect(view.revision).toBeUndefined();
    expect(view.instances).toEqual([]);
  });

  it('counts an empty first snapshot as news, and the next one not', () => {
    const view = new ServiceView();
    expect(view.apply(snapshot(5n))).toBe(true);
    expect(view.apply(snapshot(6n))).toBe(false);
    expect(view.revision).toBe(6n);
  });

  it('follows events and progress', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    expect(view.apply(event(6n, EVENT_TYPE_PUT, instance('b')))).toBe(true);
    expect(view.instances.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(view.apply(event(7n, EVENT_TYPE_DELETE, instance('a')))).toBe(true);
    expect(view.instances.map(({ id }) => id)).toEqual(['b']);
    expect(view.size).toBe(1);
    expect(view.apply(response({ progress: { revision: 9n } }))).toBe(false);
    expect(view.revision).toBe(9n);
  });

  it('keeps the object of what did not change through a snapshot, and drops what is gone', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a'), instance('b'), instance('c')));
    const [a, b] = view.instances;
    const changed = instance('b', { weight: 2, modRevision: 8n });
    expect(view.apply(snapshot(9n, instance('a'), changed))).toBe(true);
    expect(view.instances).toEqual([instance('a'), changed]);
    expect(view.instances[0]).toBe(a);
    expect(view.instances[1]).not.toBe(b);
    expect(view.apply(snapshot(10n, instance('b', { modRevision: 8n }), instance('a')))).toBe(
      false,
    );
  });

  it('takes nothing of another store for unchanged, whatever its revisions', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    view.forgetRevision();
    expect(view.revision).toBeUndefined();
    expect(view.instances).toHaveLength(1);
    const moved = instance('a', { address: { host: '127.0.0.1', port: 9 }, incarnation: 'a-2' });
    expect(view.apply(snapshot(3n, moved))).toBe(true);
    expect(view.instances[0]).toBe(moved);
  });

  it('counts it as news when the registry loses its store and finds it again', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    const progress = { progress: { revision: 5n } };
    expect(view.apply(response({ ...progress, stale: true }))).toBe(true);
    expect(view.isStoreAway).toBe(true);
    expect(view.apply(response({ ...progress, stale: true }))).toBe(false);
    expect(view.apply(response(progress))).toBe(true);
    expect(view.instances).toHaveLength(1);
  });

  it('is not disturbed by an event without an instance', () => {
    const view = new ServiceView();
    view.apply(snapshot(5n, instance('a')));
    expect(view.apply(event(6n, EVENT_TYPE_PUT, undefined))).toBe(false);
    expect(view.instances).toHaveLength(1);
  });
});
