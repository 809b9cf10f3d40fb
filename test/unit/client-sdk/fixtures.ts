import { Health, type Instance, InstanceStatus, InstanceType } from '@weft/proto/registry';
import type { AttemptRecord, CallRecord } from '../../../client-sdk/src/balancer/call-record.ts';
import { Endpoint } from '../../../client-sdk/src/balancer/endpoint.ts';
import { Breaker, type BreakerSettings } from '../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../client-sdk/src/breaker/window-rotation.ts';
import type { DiscoveryObserver } from '../../../client-sdk/src/discovery/discovery-observer.ts';

export const breakerSettings: BreakerSettings = {
  failures: 5,
  resetMs: 60_000,
  probeTimeoutMs: 10_000,
  windowMs: 10_000,
};

/** A listed instance of `echo`. */
export function instance(id: string, changes: Partial<Instance> = {}): Instance {
  return {
    id,
    service: 'echo',
    address: { host: '127.0.0.1', port: 1000 },
    type: InstanceType.INSTANCE_TYPE_API,
    version: '',
    zone: '',
    weight: 1,
    metadata: new Map(),
    dependencies: [],
    startTime: undefined,
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: `${id}-1`,
    leaseId: 1n,
    ttlSeconds: 10,
    createRevision: 1n,
    modRevision: 1n,
    healthCheck: undefined,
    health: Health.HEALTH_UNSPECIFIED,
    ...changes,
  };
}

/** An endpoint by itself; its breaker is told of no outcome, so its window never has to roll. */
export function endpoint(id: string, changes: Partial<Instance> = {}): Endpoint {
  const rotation = new WindowRotation(breakerSettings.windowMs);
  return new Endpoint(instance(id, changes), new Breaker(breakerSettings, rotation, () => {}));
}

/** Adds an attempt at `at` to a call, as it is once it was sent. */
export function sentAttempt(call: CallRecord, at: Endpoint): AttemptRecord {
  const record = call.picked(at, 0);
  record.isSent = true;
  call.funded = call.made;
  return record;
}

/** One that is connected. */
export function readyEndpoint(id: string, changes: Partial<Instance> = {}): Endpoint {
  const ready = endpoint(id, changes);
  ready.connection = { state: 'ready' };
  return ready;
}

/** Listens to nothing. */
export const silentObserver: DiscoveryObserver = {
  snapshotKept: () => {},
  snapshotReleased: () => {},
};

/** Lets promises settle: opossum counts an outcome some turns after it was told. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await undefined;
}
