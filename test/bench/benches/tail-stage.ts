import type { ArmSpec } from '../arms/caller.ts';
import type { Stage } from '../harness/stage.ts';

/** What is wrong with the first of the ten instances of a service. */
export interface Ailment {
  readonly service: string;
  readonly delayMs?: number;
  readonly failShare?: number;
}

const INSTANCES = 10;
const DELAY_MS = 20;

export const HEALTHY: Ailment = { service: 'tail-healthy' };
export const SLOW: Ailment = { service: 'tail-slow', delayMs: 500 };
export const FAILING: Ailment = { service: 'tail-failing', failShare: 0.5 };

/** Offers the three services from two processes. Answers the addresses of each. */
export async function offerAiling(stage: Stage): Promise<ReadonlyMap<Ailment, string[]>> {
  const servers = [stage.server(), stage.server()] as const;
  const addresses = new Map<Ailment, string[]>();
  for (const ailment of [HEALTHY, SLOW, FAILING]) {
    const { service, delayMs = DELAY_MS, failShare = 0 } = ailment;
    const list: string[] = [];
    for (let index = 0; index < INSTANCES; index += 1) {
      const server = index % 2 === 0 ? servers[0] : servers[1];
      const own = index === 0 ? { delayMs, failShare } : { delayMs: DELAY_MS };
      list.push(await stage.serve(server, { service, id: `${service}-${index}`, ...own }));
    }
    addresses.set(ailment, list);
  }
  return addresses;
}

/** grpc-js round_robin over the instances of a service. */
export function roundRobinArm(addresses: readonly string[], isRetried = false): ArmSpec {
  const retryPolicy = {
    maxAttempts: 3,
    initialBackoff: '0.02s',
    maxBackoff: '0.2s',
    backoffMultiplier: 2,
    retryableStatusCodes: ['UNAVAILABLE'],
  };
  const config = {
    loadBalancingConfig: [{ round_robin: {} }],
    methodConfig: isRetried ? [{ name: [{}], retryPolicy }] : [],
  };
  return {
    kind: 'bare-grpc-js',
    addresses,
    deadlineMs: 2000,
    channelOptions: { 'grpc.service_config': JSON.stringify(config) },
  };
}
