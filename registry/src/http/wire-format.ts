import { addressText, leaseText } from '@weft/proto';
import { Health, InstanceStatus, InstanceType } from '@weft/proto/registry';
import {
  BreakerState,
  type BreakerStatus,
  type Caller,
  type Event,
  EventKind,
  type TrafficEdge,
} from '@weft/proto/telemetry';
import type { StatusName, WireBreaker, WireEdge, WireEvent, WireInstance } from '../page/wire.ts';
import { shortNames } from '../store/enum-names.ts';
import type { StoredInstance } from '../store/stored-instance.ts';

const STATUSES = shortNames(InstanceStatus, 'INSTANCE_STATUS_') as ReadonlyMap<number, StatusName>;
const TYPES = shortNames(InstanceType, 'INSTANCE_TYPE_');
const KINDS = shortNames(EventKind, 'EVENT_KIND_');

function healthName(health: Health): WireInstance['health'] {
  if (health === Health.HEALTH_SERVING) return 'SERVING';
  return health === Health.HEALTH_NOT_SERVING ? 'NOT_SERVING' : '';
}

export function wireInstance(instance: StoredInstance): WireInstance {
  const { service, id, version, zone, weight, dependencies, ttlSeconds } = instance;
  return {
    service,
    id,
    address: addressText(instance.address),
    type: TYPES.get(instance.type) ?? '',
    version,
    zone,
    weight,
    metadata: [...instance.metadata],
    dependencies,
    startedAt: instance.startTime.getTime(),
    status: STATUSES.get(instance.status) ?? 'UNSPECIFIED',
    health: healthName(instance.health),
    leaseId: leaseText(instance.leaseId),
    ttlSeconds,
  };
}

const callerName = (caller: Caller | undefined) => caller?.service || caller?.instanceId || '';

const rounded = (value: number) => Math.round(value * 1000) / 1000;

export function wireEdge(edge: TrafficEdge): WireEdge {
  return {
    caller: callerName(edge.caller),
    service: edge.service,
    instance: edge.instanceId,
    rate: rounded(edge.rate),
    errors: rounded(edge.errorRate),
    p50Ms: rounded(edge.p50Ms),
    p99Ms: rounded(edge.p99Ms),
  };
}

/** A breaker that is not closed; none for one that says nothing of whose it is. */
export function wireBreaker({ caller, breaker, since }: BreakerStatus): WireBreaker[] {
  if (breaker === undefined) return [];
  const isOpen = breaker.state === BreakerState.BREAKER_STATE_OPEN;
  return [
    {
      caller: callerName(caller),
      callerInstance: caller?.instanceId ?? '',
      service: breaker.service,
      instance: breaker.instanceId,
      state: isOpen ? 'OPEN' : 'HALF_OPEN',
      isForced: breaker.isForced,
      since: since?.getTime() ?? 0,
    },
  ];
}

export function wireEvent(event: Event): WireEvent {
  return {
    sequence: Number(event.sequence),
    time: event.time?.getTime() ?? 0,
    kind: KINDS.get(event.kind) ?? `${event.kind}`,
    service: event.service,
    instance: event.instanceId,
    caller: callerName(event.caller),
    detail: event.detail,
  };
}
