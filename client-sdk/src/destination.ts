import type { Channel } from '@grpc/grpc-js';
import type { Log } from '@weft/proto';
import { Balancer } from './balancer/balancer.ts';
import type { AttemptCounter, BalancerObserver } from './balancer/balancer-options.ts';
import { Subset, type SubsetSettings } from './balancer/subset.ts';
import { Breaker } from './breaker/breaker.ts';
import type { WindowRotation } from './breaker/window-rotation.ts';
import { CallSelector } from './call/call-selector.ts';
import type { MethodPlans } from './call/method-plans.ts';
import type { ServiceDirectory } from './discovery/service-directory.ts';
import { closeChannel, openChannel } from './grpc/mesh-channel.ts';
import type { ResolvedPolicy } from './policy/service-policy.ts';

export interface DestinationOptions {
  service: string;
  policy: ResolvedPolicy;
  directory: ServiceDirectory;
  rotation: WindowRotation;
  plans: MethodPlans;
  observer: BalancerObserver;
  /** Counts attempts. */
  counter?: AttemptCounter | undefined;
  /** Told when what the program handed in to be told throws. */
  log: Log;
  /** Where this process stands; empty: nowhere. */
  zone: string;
  /** Tells this process from its siblings, for subsets. */
  clientId: string;
}

/** One service as this process calls it: one channel over one balancer, whoever asks. */
export interface Destination {
  readonly channel: Channel;
  readonly balancer: Balancer;
  /** Goes by another policy from now on. */
  setPolicy(policy: ResolvedPolicy): void;
  close(): void;
}

export function createDestination(options: DestinationOptions): Destination {
  const { service, policy, directory, rotation, plans, observer, zone, clientId } = options;
  let settings = subsetSettings(policy, zone, clientId);
  const balancer = new Balancer({
    service,
    policy,
    createBreaker: ({ breaker }, onChange) => new Breaker(breaker, rotation, onChange),
    observer,
    counter: options.counter,
    zone,
    subset: settings && new Subset(settings),
  });
  const selector = new CallSelector(balancer, plans, options.log);
  const channel = openChannel(service, { directory, balancer, selector });
  return {
    channel,
    balancer,
    setPolicy: (next) => {
      balancer.setPolicy(next);
      const before = JSON.stringify(settings);
      settings = subsetSettings(next, zone, clientId);
      if (JSON.stringify(settings) === before) return;
      balancer.setSubset(settings && new Subset(settings));
    },
    close: () => {
      closeChannel(channel);
      balancer.close();
    },
  };
}

function subsetSettings(
  { subset, preferZone }: ResolvedPolicy,
  zone: string,
  clientId: string,
): SubsetSettings | undefined {
  if (subset === undefined) return undefined;
  return { ...subset, clientId, ownZone: preferZone && zone !== '' ? zone : undefined };
}
