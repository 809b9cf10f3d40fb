import { Health, InstanceStatus, InstanceType } from '@weft/proto/registry';
import type {
  InstanceDescription,
  StoredInstance,
} from '../../../registry/src/store/stored-instance.ts';

/** A description that nothing is wrong with. */
export function describedInstance(over: Partial<InstanceDescription> = {}): InstanceDescription {
  return {
    id: 'a',
    service: 'user-service',
    address: { host: '127.0.0.1', port: 50_051 },
    type: InstanceType.INSTANCE_TYPE_API,
    version: '1.0.0',
    zone: 'z1',
    weight: 1,
    metadata: new Map([['team', 'mesh']]),
    dependencies: ['order-service'],
    startTime: new Date('2026-01-02T03:04:05.000Z'),
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: 'first',
    healthCheck: undefined,
    ...over,
  };
}

export function storedInstance(over: Partial<StoredInstance> = {}): StoredInstance {
  return {
    ...describedInstance(),
    startTime: new Date('2026-01-02T03:04:05.000Z'),
    leaseId: 7n,
    ttlSeconds: 10,
    createRevision: 1n,
    modRevision: 1n,
    health: Health.HEALTH_UNSPECIFIED,
    ...over,
  };
}
