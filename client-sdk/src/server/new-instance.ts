import { randomUUID } from 'node:crypto';
import { SLOT_KEY } from '@weft/proto';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';

/** What a program tells of itself; the rest of its record says that it begins to run. */
type Description = Pick<
  Instance,
  | 'id'
  | 'service'
  | 'address'
  | 'type'
  | 'version'
  | 'zone'
  | 'weight'
  | 'metadata'
  | 'dependencies'
  | 'healthCheck'
>;

/** The record of a new run of a program, as it is to be registered. */
export function newInstance(description: Description): Instance {
  return {
    ...description,
    startTime: new Date(),
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: randomUUID(),
    leaseId: 0n,
    ttlSeconds: 0,
    createRevision: 0n,
    modRevision: 0n,
    health: Health.HEALTH_UNSPECIFIED,
  };
}

/** The label that names the slot of an instance, if it has one. */
export function slotLabel(slot: string | undefined): (readonly [string, string])[] {
  return slot === undefined ? [] : [[SLOT_KEY, slot]];
}
