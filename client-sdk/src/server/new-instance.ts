import { randomUUID } from 'node:crypto';
import { SLOT_KEY } from '@weft/proto';
import { Health, type Instance, InstanceStatus } from '@weft/proto/registry';

/** The fields of an instance that describe its program. */
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

/** The record to register for a program that starts: RUNNING, without a lease. */
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
