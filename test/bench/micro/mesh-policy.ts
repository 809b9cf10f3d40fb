import { Metadata } from '@grpc/grpc-js';
import type { Balancer } from '../../../client-sdk/src/balancer/balancer.ts';
import {
  BALANCER_KEY,
  POLICY_NAME,
  registerMeshLoadBalancer,
} from '../../../client-sdk/src/grpc/mesh-load-balancer.ts';
import { createCore, createSelector } from './core.ts';
import {
  ChildLoadBalancerHandler,
  FakeChannel,
  parseLoadBalancingConfig,
  statusOrFromValue,
} from './fake-channel.ts';

const GET_USER = '/user.v1.UserService/GetUser';

/** The core of a service with gRPC's side of it, on a channel without a network. */
export interface MeshPolicy {
  readonly balancer: Balancer;
  readonly channel: FakeChannel;
  /** One pick, as a call of GetUser makes it. */
  pick(): void;
  close(): void;
}

/** With round robin, and nothing listed yet. */
export function createMeshPolicy(): MeshPolicy {
  registerMeshLoadBalancer();
  const { balancer, close } = createCore('round_robin');
  const channel = new FakeChannel();
  const policy = new ChildLoadBalancerHandler(channel.helper);
  const config = parseLoadBalancingConfig({ [POLICY_NAME]: {} });
  policy.updateAddressList(statusOrFromValue([]), config, { [BALANCER_KEY]: balancer }, '');
  const selector = createSelector(balancer);
  return {
    balancer,
    channel,
    pick: () => channel.pick(selector.invoke(GET_USER, new Metadata()).pickInformation),
    close: () => {
      policy.destroy();
      close();
    },
  };
}
