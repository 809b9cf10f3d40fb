import type { Channel } from '@grpc/grpc-js';
import { Balancer } from './balancer/balancer.ts';
import type { BalancerObserver } from './balancer/balancer-options.ts';
import { Subset } from './balancer/subset.ts';
import { Breaker } from './breaker/breaker.ts';
import type { WindowRotation } from './breaker/window-rotation.ts';
import { CallSelector } from './call/call-selector.ts';
import type { MethodPlans } from './call/method-plans.ts';
import type { ServiceDirectory } from './discovery/service-directory.ts';
import { openChannel } from './grpc/mesh-channel.ts';
import type { ResolvedPolicy } from './policy/service-policy.ts';

export interface DestinationOptions {
  service: string;
  policy: ResolvedPolicy;
  directory: ServiceDirectory;
  rotation: WindowRotation;
  plans: MethodPlans;
  observer: BalancerObserver;
  /** Where this process stands; empty: nowhere. */
  zone: string;
  /** Tells this process from its siblings, for subsets. */
  clientId: string;
}

/** One service as this process calls it: one channel over one balancer, whoever asks. */
export interface Destination {
  readonly channel: Channel;
  readonly balancer: Balancer;
  close(): void;
}

export function createDestination(options: DestinationOptions): Destination {
  const { service, policy, directory, rotation, plans, observer, zone, clientId } = options;
  const balancer = new Balancer({
    service,
    policy,
    createBreaker: ({ breaker }, onChange) => new Breaker(breaker, rotation, onChange),
    observer,
    zone,
    subset: subsetOf(policy, zone, clientId),
  });
  const selector = new CallSelector(balancer, plans);
  const channel = openChannel(service, { directory, balancer, selector });
  return {
    channel,
    balancer,
    close: () => {
      channel.close();
      balancer.close();
    },
  };
}

/** A sticky strategy needs all instances: any client must find the one that a key belongs to. */
function subsetOf(policy: ResolvedPolicy, zone: string, clientId: string): Subset | undefined {
  const { subset, preferZone, strategy } = policy;
  if (subset === undefined || strategy === 'consistent_hash') return undefined;
  const ownZone = preferZone && zone !== '' ? zone : undefined;
  return new Subset({ ...subset, clientId, ownZone });
}
