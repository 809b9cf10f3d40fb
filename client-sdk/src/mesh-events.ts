import { EventEmitter } from 'node:events';
import type { Log } from '@weft/proto';
import type { BalancerObserver } from './balancer/balancer-options.ts';
import type { Endpoint } from './balancer/endpoint.ts';
import type { EjectionReason } from './balancer/health-monitor.ts';
import type { BreakerState } from './breaker/breaker.ts';
import { tell } from './user-callback.ts';

/** The instance an event is about. */
export interface InstanceEvent {
  readonly service: string;
  readonly instanceId: string;
}

/** What a mesh tells of the instances it calls. */
export interface MeshEventMap {
  /** A breaker has opened, half-opened or closed. */
  breakerChanged: [InstanceEvent & { readonly from: BreakerState; readonly to: BreakerState }];
  /** An instance was left out of the picks on statistics, or at its own request. */
  instanceEjected: [InstanceEvent & { readonly reason: EjectionReason; readonly forMs: number }];
  /** It is used again. */
  instanceReturned: [InstanceEvent];
}

export type MeshEvents = EventEmitter<MeshEventMap>;

/**
 * Tells `events` what becomes of the endpoints of a service. A listener that throws is told of in the
 * log: the balancer, in the middle of its work, and the other listeners go on.
 */
export function observerOf(service: string, events: MeshEvents, log: Log): BalancerObserver {
  const of = ({ instance }: Endpoint) => ({ service, instanceId: instance.id });
  const emit = <Name extends keyof MeshEventMap>(name: Name, ...event: MeshEventMap[Name]) => {
    for (const listener of events.rawListeners(name)) {
      tell(log, `a listener of ${name}`, () => Reflect.apply(listener, events, event));
    }
  };
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
