import { describe, expect, it } from '@jest/globals';
import { EventType, Health, InstanceStatus } from '@weft/proto/registry';
import { EventKind } from '@weft/proto/telemetry';
import type { StoredInstance } from '../../../../registry/src/store/stored-instance.ts';
import { instanceEvent } from '../../../../registry/src/telemetry/instance-events.ts';
import { storedInstance } from '../fixtures.ts';

const PUT = EventType.EVENT_TYPE_PUT;
const DELETE = EventType.EVENT_TYPE_DELETE;
const time = new Date(1000);

function told(
  before: StoredInstance | undefined,
  instance: StoredInstance,
  type: typeof PUT | typeof DELETE = PUT,
) {
  const { kind, detail } = instanceEvent(before, { type, instance, revision: 5n }, time);
  return [kind, detail];
}

const stopping = storedInstance({ status: InstanceStatus.INSTANCE_STATUS_STOPPING });

describe('what a change of the catalog means', () => {
  it('names the instance and the time', () => {
    const event = { type: PUT, instance: storedInstance(), revision: 5n };
    expect(instanceEvent(undefined, event, time)).toMatchObject({
      service: 'user-service',
      instanceId: 'a',
      time,
      caller: undefined,
    });
  });

  it('is registering for a new instance, or one that lives by another lease', () => {
    expect(told(undefined, storedInstance())).toEqual([
      EventKind.EVENT_KIND_REGISTERED,
      'at 127.0.0.1:50051',
    ]);
    const [kind] = told(storedInstance(), storedInstance({ leaseId: 8n }));
    expect(kind).toBe(EventKind.EVENT_KIND_REGISTERED);
  });

  it('is draining when it stops, and another update when its status changes otherwise', () => {
    expect(told(storedInstance(), stopping)).toEqual([
      EventKind.EVENT_KIND_DRAINING,
      'RUNNING -> STOPPING',
    ]);
    expect(told(stopping, storedInstance())).toEqual([
      EventKind.EVENT_KIND_UPDATED,
      'STOPPING -> RUNNING',
    ]);
  });

  it('tells changes of health and weight', () => {
    const sick = storedInstance({ health: Health.HEALTH_NOT_SERVING });
    const changed = EventKind.EVENT_KIND_HEALTH_CHANGED;
    expect(told(storedInstance(), sick)).toEqual([changed, 'does not serve']);
    expect(told(sick, storedInstance())).toEqual([changed, 'serving again']);
    expect(told(storedInstance(), storedInstance({ weight: 3 }))).toEqual([
      EventKind.EVENT_KIND_UPDATED,
      'weight 3',
    ]);
  });

  it('is leaving for one that had stopped, and expiry for one that still served', () => {
    expect(told(stopping, stopping, DELETE)).toEqual([EventKind.EVENT_KIND_DEREGISTERED, '']);
    expect(told(storedInstance(), storedInstance(), DELETE)).toEqual([
      EventKind.EVENT_KIND_EXPIRED,
      'lease 0000000000000007 ended',
    ]);
  });
});
