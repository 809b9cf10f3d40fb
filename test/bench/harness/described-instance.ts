import { randomUUID } from 'node:crypto';
import type { StoredInstance } from '../../../registry/src/store/stored-instance.ts';
import { instanceOf } from '../arms/lease-caller.ts';

/** One of very many: what differs from instance to instance differs. */
export function describedInstance(
  service: string,
  index: number,
  { leaseId = 0n, ttlSeconds = 600 } = {},
): StoredInstance {
  return {
    ...instanceOf(service, index),
    id: randomUUID(),
    incarnation: randomUUID(),
    address: { host: `10.1.${(index >> 8) & 255}.${index & 255}`, port: 50_051 },
    version: `1.${index % 7}.0`,
    zone: `zone-${index % 3}`,
    leaseId,
    ttlSeconds,
  };
}
