import { describe, expect, it } from '@jest/globals';
import { EventType, type Instance, WatchResponse } from '@weft/proto/registry';
import { InstanceSet } from '../../../../orchestrator/src/mesh-view/instance-set.ts';
import { listed } from './instances.ts';

const snapshot = (instances: Instance[], revision: bigint, more = false) =>
  WatchResponse.fromPartial({ snapshot: { instances, revision, more, history: 'h' } });

const events = (revision: bigint, type: EventType, instance: Instance) =>
  WatchResponse.fromPartial({ events: { events: [{ type, instance, revision }], revision } });

const told = (changes: ReturnType<InstanceSet['take']>) =>
  changes.map(({ kind, instance }) => `${kind} ${instance.id}`);

describe('InstanceSet', () => {
  it('tells what is listed, then each change, and where to go on', () => {
    const set = new InstanceSet();
    expect(told(set.take(snapshot([listed()], 1n), true))).toEqual(['LISTED a']);
    const heavier = listed({ weight: 2, modRevision: 2n });
    const [change] = set.take(events(2n, EventType.EVENT_TYPE_PUT, heavier), false);
    expect(change).toMatchObject({ kind: 'CHANGED', before: { weight: 1 } });
    expect(
      told(set.take(events(3n, EventType.EVENT_TYPE_PUT, listed({ id: 'b' })), false)),
    ).toEqual(['ADDED b']);
    expect(told(set.take(events(4n, EventType.EVENT_TYPE_DELETE, heavier), false))).toEqual([
      'REMOVED a',
    ]);
    expect(set.resumption).toEqual({ fromRevision: 4n, history: 'h' });
    expect(set.take(WatchResponse.fromPartial({ progress: { revision: 9n } }), false)).toEqual([]);
    expect(set.resumption).toEqual({ fromRevision: 9n, history: 'h' });
    expect(set.all.map(({ id }) => id)).toEqual(['b']);
  });

  it('takes a snapshot in parts as one, and drops the parts of a stream that broke', () => {
    const set = new InstanceSet();
    expect(set.take(snapshot([listed({ id: 'torn' })], 1n, true), true)).toEqual([]);
    expect(set.take(snapshot([listed()], 2n, true), true)).toEqual([]);
    expect(told(set.take(snapshot([listed({ id: 'b' })], 2n), false))).toEqual([
      'LISTED a',
      'LISTED b',
    ]);
  });

  it('tells of a registry that began anew what differs, and nothing else', () => {
    const set = new InstanceSet();
    set.take(snapshot([listed(), listed({ id: 'b' })], 5n), true);
    set.forgetRevision();
    expect(set.resumption).toEqual({ history: '' });
    const again = [listed({ leaseId: 7n }), listed({ id: 'c' })];
    expect(told(set.take(snapshot(again, 1n), true))).toEqual([
      'REMOVED b',
      'CHANGED a',
      'ADDED c',
    ]);
    expect(set.take(snapshot(again, 1n), true)).toEqual([]);
  });
});
