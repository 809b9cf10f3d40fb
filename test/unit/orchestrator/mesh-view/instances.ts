import { Instance, InstanceStatus } from '@weft/proto/registry';
import { TrafficEdge } from '@weft/proto/telemetry';

/** An instance as a registry lists it. */
export function listed(over: Parameters<typeof Instance.fromPartial>[0] = {}): Instance {
  return Instance.fromPartial({
    id: 'a',
    service: 'user-service',
    address: { host: '127.0.0.1', port: 4001 },
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    weight: 1,
    leaseId: 255n,
    ttlSeconds: 10,
    modRevision: 1n,
    ...over,
  });
}

/** Traffic from a service to another, 10 calls a second. */
export function edge(from: string, service: string, over: Partial<TrafficEdge> = {}): TrafficEdge {
  const caller = { service: from, instanceId: '' };
  return TrafficEdge.fromPartial({ caller, service, rate: 10, p50Ms: 1, p99Ms: 5, ...over });
}
