import { randomUUID } from 'node:crypto';
import { Health, InstanceStatus, InstanceType } from '@weft/proto/registry';
import type { StoredInstance } from '../../../registry/src/store/stored-instance.ts';

/** An instance as a service of the mesh describes itself. */
export function describedInstance(
  service: string,
  index: number,
  { leaseId = 0n, ttlSeconds = 600 } = {},
): StoredInstance {
  return {
    id: randomUUID(),
    service,
    address: { host: `10.1.${(index >> 8) & 255}.${index & 255}`, port: 50_051 },
    type: InstanceType.INSTANCE_TYPE_API,
    version: `1.${index % 7}.0`,
    zone: `zone-${index % 3}`,
    weight: 1,
    metadata: new Map([
      ['team', 'mesh'],
      ['build', '2026-01-02.3'],
    ]),
    dependencies: ['order-service'],
    startTime: new Date('2026-01-02T03:04:05.000Z'),
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: randomUUID(),
    healthCheck: undefined,
    health: Health.HEALTH_UNSPECIFIED,
    leaseId,
    ttlSeconds,
    createRevision: 0n,
    modRevision: 0n,
  };
}
