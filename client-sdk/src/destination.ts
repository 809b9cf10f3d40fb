import type { Channel } from '@grpc/grpc-js';
import { Balancer, type BalancerObserver } from './balancer/balancer.ts';
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
}

/** One service as this process calls it: one channel over one balancer, whoever asks. */
export interface Destination {
  readonly channel: Channel;
  readonly balancer: Balancer;
  close(): void;
}

export function createDestination(options: DestinationOptions): Destination {
  const { service, policy, directory, rotation, plans, observer } = options;
  const balancer = new Balancer({
    service,
    policy,
    createBreaker: ({ breaker }, onChange) => new Breaker(breaker, rotation, onChange),
    observer,
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
