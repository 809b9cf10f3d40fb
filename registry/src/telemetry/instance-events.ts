import { leaseText } from '@weft/proto';
import { EventType, Health, InstanceStatus } from '@weft/proto/registry';
import { EventKind } from '@weft/proto/telemetry';
import { shortNames } from '../store/enum-names.ts';
import type { StoreEvent } from '../store/event-log.ts';
import type { StoredInstance } from '../store/stored-instance.ts';
import type { NewEvent } from './event-book.ts';

type What = Pick<NewEvent, 'kind' | 'detail'>;

const statusNames = shortNames(InstanceStatus, 'INSTANCE_STATUS_');

/** Whether an instance takes calls. If such an instance disappears, it did not say so before. */
export function isServing({ status }: StoredInstance): boolean {
  return status === InstanceStatus.INSTANCE_STATUS_RUNNING;
}

function changed(before: StoredInstance, instance: StoredInstance): What {
  if (before.status !== instance.status) {
    const detail = `${statusNames.get(before.status)} -> ${statusNames.get(instance.status)}`;
    const isDraining = instance.status === InstanceStatus.INSTANCE_STATUS_STOPPING;
    const kind = isDraining ? EventKind.EVENT_KIND_DRAINING : EventKind.EVENT_KIND_UPDATED;
    return { kind, detail };
  }
  if (before.health !== instance.health) {
    const isWell = instance.health !== Health.HEALTH_NOT_SERVING;
    return {
      kind: EventKind.EVENT_KIND_HEALTH_CHANGED,
      detail: isWell ? 'serving again' : 'does not serve',
    };
  }
  const detail = before.weight === instance.weight ? '' : `weight ${instance.weight}`;
  return { kind: EventKind.EVENT_KIND_UPDATED, detail };
}

function removed(instance: StoredInstance, isKeyDeleted: boolean): What {
  if (!isServing(instance)) return { kind: EventKind.EVENT_KIND_DEREGISTERED, detail: '' };
  const lease = `lease ${leaseText(instance.leaseId)}`;
  return isKeyDeleted
    ? { kind: EventKind.EVENT_KIND_KEY_DELETED, detail: `its key was deleted; ${lease} lives` }
    : { kind: EventKind.EVENT_KIND_EXPIRED, detail: `${lease} ended` };
}

function what(
  before: StoredInstance | undefined,
  { type, instance }: StoreEvent,
  isKeyDeleted: boolean,
): What {
  const { address, leaseId } = instance;
  if (type === EventType.EVENT_TYPE_DELETE) return removed(instance, isKeyDeleted);
  if (before === undefined || before.leaseId !== leaseId) {
    const detail = `at ${address.host}:${address.port}`;
    return { kind: EventKind.EVENT_KIND_REGISTERED, detail };
  }
  return changed(before, instance);
}

/**
 * Describes a change of the catalog for people.
 * @param before the instance as it was before; undefined if it was not there
 * @param isKeyDeleted whether a removed instance lost its key though its lease lives. Default false
 */
export function instanceEvent(
  before: StoredInstance | undefined,
  event: StoreEvent,
  time: Date,
  { isKeyDeleted = false } = {},
): NewEvent {
  const { service, id: instanceId } = event.instance;
  return { time, service, instanceId, caller: undefined, ...what(before, event, isKeyDeleted) };
}
