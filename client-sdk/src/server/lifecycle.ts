import { InstanceStatus } from '@weft/proto/registry';

/** Where an offered service is in its life. */
export type LifecycleStatus = 'STARTING' | 'RUNNING' | 'STOPPING' | 'STOPPED' | 'ERROR';

const next: Record<LifecycleStatus, readonly LifecycleStatus[]> = {
  STARTING: ['RUNNING', 'STOPPING', 'ERROR'],
  RUNNING: ['STOPPING', 'ERROR'],
  ERROR: ['RUNNING', 'STOPPING'],
  STOPPING: ['STOPPED'],
  STOPPED: [],
};

/** The status after a change. @throws when the life of a service has no such step */
export function transition(from: LifecycleStatus, to: LifecycleStatus): LifecycleStatus {
  if (!next[from].includes(to)) throw new Error(`a service that is ${from} cannot become ${to}`);
  return to;
}

const listed: Record<LifecycleStatus, InstanceStatus> = {
  STARTING: InstanceStatus.INSTANCE_STATUS_STARTING,
  RUNNING: InstanceStatus.INSTANCE_STATUS_RUNNING,
  STOPPING: InstanceStatus.INSTANCE_STATUS_STOPPING,
  STOPPED: InstanceStatus.INSTANCE_STATUS_STOPPED,
  ERROR: InstanceStatus.INSTANCE_STATUS_ERROR,
};

/** The status as the registry lists it. */
export function listedStatus(status: LifecycleStatus): InstanceStatus {
  return listed[status];
}
