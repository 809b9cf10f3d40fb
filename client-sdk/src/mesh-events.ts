import { EventEmitter } from 'node:events';
import type { Log } from '@weft/proto';
import type { BalancerObserver } from './balancer/balancer-options.ts';
import type { Endpoint } from './balancer/endpoint.ts';
import type { EjectionReason } from './balancer/health-monitor.ts';
import type { BreakerState } from './breaker/breaker.ts';
import type {
  DiscoveryObserver,
  SnapshotKept,
  SnapshotReleased,
} from './discovery/discovery-observer.ts';
import { tell } from './user-callback.ts';

/** The instance an event is about. */
export interface InstanceEvent {
  readonly service: string;
  readonly instanceId: string;
}

/** What a mesh tells of the instances it calls, and of the services it follows. */
export interface MeshEventMap {
  /** A breaker has opened, half-opened or closed. */
  breakerChanged: [InstanceEvent & { readonly from: BreakerState; readonly to: BreakerState }];
  /** An instance was left out of the picks on statistics, or at its own request. */
  instanceEjected: [InstanceEvent & { readonly reason: EjectionReason; readonly forMs: number }];
  /** It is used again. */
  instanceReturned: [InstanceEvent];
  /**
   * The registry, in trouble itself, lost more than `discovery.protectedShare` of a service's
   * instances together: they are used all the same.
   */
  snapshotKept: [SnapshotKept];
  /** What the registry lists is used again, and no other. */
  snapshotReleased: [SnapshotReleased];
}

export type MeshEvents = EventEmitter<MeshEventMap>;

/**
 * Emits events. A listener that throws is told of in the log: whoever emits, in the middle of its work,
 * and the other listeners go on.
 */
function emitterOf(events: MeshEvents, log: Log) {
  return <Name extends keyof MeshEventMap>(name: Name, ...event: MeshEventMap[Name]): void => {
    for (const listener of events.rawListeners(name)) {
      tell(log, `a listener of ${name}`, () => Reflect.apply(listener, events, event));
    }
  };
}

/** Tells `events` when the registry is not believed. */
export function discoveryObserver(events: MeshEvents, log: Log): DiscoveryObserver {
  const emit = emitterOf(events, log);
  return {
    snapshotKept: (event) => emit('snapshotKept', event),
    snapshotReleased: (event) => emit('snapshotReleased', event),
  };
}

/** Tells `events` what becomes of the endpoints of a service. */
export function observerOf(service: string, events: MeshEvents, log: Log): BalancerObserver {
  const of = ({ instance }: Endpoint) => ({ service, instanceId: instance.id });
  const emit = emitterOf(events, log);
  return {
    breakerChanged: (endpoint, from, to) => emit('breakerChanged', { ...of(endpoint), from, to }),
    ejected: (endpoint, reason, forMs) =>
      emit('instanceEjected', { ...of(endpoint), reason, forMs }),
    returned: (endpoint) => emit('instanceReturned', of(endpoint)),
  };
}

export function createMeshEvents(): MeshEvents {
  return new EventEmitter<MeshEventMap>();
}
