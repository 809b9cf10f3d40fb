import { Health, type Instance, InstanceStatus, InstanceType } from '@weft/proto/registry';
import { UserServiceDefinition } from '@weft/proto/user';
import { Balancer } from '../../../client-sdk/src/balancer/balancer.ts';
import { Breaker, type BreakerSettings } from '../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../client-sdk/src/breaker/window-rotation.ts';
import { CallSelector } from '../../../client-sdk/src/call/call-selector.ts';
import { MethodPlans } from '../../../client-sdk/src/call/method-plans.ts';
import { methodsOf } from '../../../client-sdk/src/contract/contract.ts';
import { resolvePolicy } from '../../../client-sdk/src/policy/resolve-policy.ts';
import { seededRandom } from '../../support/seeded-random.ts';

/** The parts inside the SDK that benches drive by themselves: only this file knows how they are made. */

export const breakerSettings: BreakerSettings = {
  failures: 5,
  resetMs: 60_000,
  probeTimeoutMs: 10_000,
  windowMs: 10_000,
};

/** A listed instance; its address is its own. */
export function instanceAt(index: number): Instance {
  return {
    id: `instance-${index}`,
    service: 'bench',
    address: { host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, port: 7000 },
    type: InstanceType.INSTANCE_TYPE_API,
    version: '1.0.0',
    zone: '',
    weight: 1,
    metadata: new Map(),
    dependencies: [],
    startTime: undefined,
    status: InstanceStatus.INSTANCE_STATUS_RUNNING,
    incarnation: `incarnation-${index}`,
    leaseId: BigInt(index + 1),
    ttlSeconds: 10,
    createRevision: 1n,
    modRevision: 1n,
    healthCheck: undefined,
    health: Health.HEALTH_UNSPECIFIED,
  };
}

export function instances(count: number): Instance[] {
  return Array.from({ length: count }, (_, index) => instanceAt(index));
}

/** A core as a mesh makes it: strategy, statistics, a breaker for each instance. */
export function createCore(strategy: string): { balancer: Balancer; close: () => void } {
  const rotation = new WindowRotation(breakerSettings.windowMs);
  const balancer = new Balancer({
    service: 'bench',
    policy: resolvePolicy({ strategy, slowStartMs: 0 }),
    random: seededRandom(1),
    createBreaker: ({ breaker }, onChange) => new Breaker(breaker, rotation, onChange),
  });
  return {
    balancer,
    close: () => {
      balancer.close();
      rotation.close();
    },
  };
}

/** Lists exactly these. */
export function listAll(balancer: Balancer, listed: readonly Instance[]): void {
  balancer.apply({ isComplete: true, put: listed, removed: [], revision: 1n });
}

/** Connects all that is listed: a transport that is always ready. */
export function connectAll(balancer: Balancer): void {
  for (const endpoint of balancer.endpoints) balancer.setConnection(endpoint, { state: 'ready' });
}

/** Decides for each call how it is made, as the mesh's channels do. */
export function createSelector(balancer: Balancer): CallSelector {
  const plans = new MethodPlans();
  plans.learn(methodsOf(UserServiceDefinition));
  return new CallSelector(balancer, plans);
}

/** One breaker as the core has it. */
export function createBreaker(): { breaker: Breaker; close: () => void } {
  const rotation = new WindowRotation(breakerSettings.windowMs);
  const breaker = new Breaker(breakerSettings, rotation, () => {});
  return {
    breaker,
    close: () => {
      breaker.dispose();
      rotation.close();
    },
  };
}
