import { type ChannelOptions, connectivityState, experimental, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { UserServiceDefinition } from '@weft/proto/user';
import { Balancer } from '../../../../client-sdk/src/balancer/balancer.ts';
import { Breaker } from '../../../../client-sdk/src/breaker/breaker.ts';
import { WindowRotation } from '../../../../client-sdk/src/breaker/window-rotation.ts';
import { CallSelector } from '../../../../client-sdk/src/call/call-selector.ts';
import { MethodPlans } from '../../../../client-sdk/src/call/method-plans.ts';
import { methodsOf } from '../../../../client-sdk/src/contract/contract.ts';
import {
  BALANCER_KEY,
  POLICY_NAME,
  registerMeshLoadBalancer,
} from '../../../../client-sdk/src/grpc/mesh-load-balancer.ts';
import type { Picker } from '../../../../client-sdk/src/grpc-experimental.ts';
import { resolvePolicy } from '../../../../client-sdk/src/policy/resolve-policy.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { breakerSettings, instance, settle } from '../fixtures.ts';
import { FakeSubchannel } from './fake-subchannel.ts';

const { CONNECTING, IDLE, READY, TRANSIENT_FAILURE } = connectivityState;
const { ChildLoadBalancerHandler, parseLoadBalancingConfig, statusOrFromValue } = experimental;
const MINUTES = 60;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

it('an hour of instances that come, fail to connect, break, and go leaves nothing behind', async () => {
  const random = seededRandom(11);
  const subchannels: FakeSubchannel[] = [];
  let picker: Picker | undefined;
  const helper = {
    createSubchannel: (address: unknown, args: Record<string, unknown>) => {
      const subchannel = new FakeSubchannel(address, args);
      subchannels.push(subchannel);
      return subchannel;
    },
    updateState: (_state: connectivityState, next: Picker) => {
      picker = next;
    },
    requestReresolution: () => {},
    addChannelzChild: () => {},
    removeChannelzChild: () => {},
  } as unknown as experimental.ChannelControlHelper;
  const rotation = new WindowRotation(breakerSettings.windowMs);
  const balancer = new Balancer({
    service: 'echo',
    policy: resolvePolicy({ strategy: 'p2c_ewma' }),
    createBreaker: ({ breaker }, onChange) => new Breaker(breaker, rotation, onChange),
    random,
    defer: (task) => queueMicrotask(task),
  });
  const plans = new MethodPlans();
  plans.learn(methodsOf(UserServiceDefinition));
  const selector = new CallSelector(balancer, plans);
  registerMeshLoadBalancer();
  const policy = new ChildLoadBalancerHandler(helper);
  const config = parseLoadBalancingConfig({ [POLICY_NAME]: {} });
  const options = { [BALANCER_KEY]: balancer } as unknown as ChannelOptions;
  policy.updateAddressList(statusOrFromValue([]), config, options, '');

  const held = () => subchannels.filter(({ listeners, refs }) => listeners.size > 0 || refs > 0);
  let connected = 0;
  let failed = 0;
  let revision = 0n;
  for (let minute = 0; minute < MINUTES; minute += 1) {
    revision += 1n;
    const put = [0, 1, 2].map((i) => instance(`e${minute}-${i}`));
    const removed = minute < 2 ? [] : [0, 1, 2].map((i) => instance(`e${minute - 2}-${i}`));
    balancer.apply({ isComplete: false, put, removed, revision });
    for (const each of held()) {
      if (each.state === IDLE) each.become(CONNECTING);
      if (each.state !== CONNECTING) continue;
      // A third says nothing, a third refuses.
      const chance = random();
      if (chance > 0.66) each.become(READY);
      else if (chance > 0.33) each.become(TRANSIENT_FAILURE, 'refused');
    }
    for (let call = 0; call < 40; call += 1) {
      const { pickInformation } = selector.invoke('/user.v1.UserService/GetUser', new Metadata());
      const metadata = new Metadata();
      const picked = picker?.pick({ metadata, extraPickInfo: pickInformation });
      if (picked?.pickResultType !== experimental.PickResultType.COMPLETE) continue;
      connected += 1;
      picked.onCallStarted?.();
      const code = random() < 0.4 ? 14 : 0;
      failed += Number(code !== 0);
      picked.onCallEnded?.(code, '', new Metadata());
    }
    await settle();
    await jest.advanceTimersByTimeAsync(60_000);
    // Those listed now, and no subchannel more.
    expect(held().length).toBeLessThanOrEqual(balancer.size);
  }
  expect({ connected: connected > 100, failed: failed > 50 }).toEqual({
    connected: true,
    failed: true,
  });
  expect(subchannels.length).toBeGreaterThan(3 * MINUTES);

  balancer.apply({ isComplete: true, put: [], removed: [], revision: revision + 1n });
  await jest.advanceTimersByTimeAsync(120_000);
  expect(held()).toEqual([]);
  expect(rotation.size).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
  policy.destroy();
  balancer.close();
}, 60_000);
