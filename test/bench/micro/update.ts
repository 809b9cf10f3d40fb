import type { Instance } from '@weft/proto/registry';
import { median } from '../harness/stats.ts';
import { instanceAt, instances, listAll } from './core.ts';
import {
  ChildLoadBalancerHandler,
  FakeChannel,
  parseLoadBalancingConfig,
  statusOrFromValue,
} from './fake-channel.ts';
import { createMeshPolicy } from './mesh-policy.ts';

const LEAST_REPEATS = 3;
const MOST_REPEATS = 200;

/** A policy that is told of instances as it is in use, on a fake channel. */
interface Subject {
  /** One more than the `count` of the start is listed; the first pick after it. */
  join(): void;
  /** It is no longer; the first pick after that. */
  leave(): void;
  close(): void;
}

function grpcPolicy(policy: string, count: number): Subject {
  const channel = new FakeChannel();
  const balancer = new ChildLoadBalancerHandler(channel.helper);
  const config = parseLoadBalancingConfig({ [policy]: {} });
  const before = instances(count);
  const after = [...before, instanceAt(count)];
  const tell = (listed: readonly Instance[]) => {
    const addresses = listed.map(({ address }) => ({
      addresses: address === undefined ? [] : [address],
    }));
    balancer.updateAddressList(statusOrFromValue(addresses), config, {}, '');
    channel.pick({});
  };
  tell(before);
  return { join: () => tell(after), leave: () => tell(before), close: () => balancer.destroy() };
}

/** Discovery hands the core what has changed; gRPC is told nothing. */
function weft(count: number): Subject {
  const { balancer, pick, close } = createMeshPolicy();
  listAll(balancer, instances(count));
  const newcomer = instanceAt(count);
  return {
    join() {
      // Discovery makes a new object of each instance it hears of.
      const put = [{ ...newcomer }];
      balancer.apply({ isComplete: false, put, removed: [], revision: 2n });
      pick();
    },
    leave() {
      balancer.apply({ isComplete: false, put: [], removed: [newcomer], revision: 3n });
      pick();
    },
    close,
  };
}

function usOf(task: () => void): number {
  const start = performance.now();
  task();
  return (performance.now() - start) * 1000;
}

/**
 * What it costs a policy, in us, that one more instance is listed than the `count` that were, and that
 * it is no longer; with the first pick after each. Each is told in its own way, on the same fake channel.
 */
export async function update({
  policy,
  count,
  budgetMs,
}: {
  policy: 'weft' | 'round_robin';
  count: number;
  budgetMs: number;
}): Promise<{ joins: number; leaves: number }> {
  const subject = policy === 'weft' ? weft(count) : grpcPolicy(policy, count);
  const joins: number[] = [];
  const leaves: number[] = [];
  const end = performance.now() + budgetMs;
  while (joins.length < LEAST_REPEATS || performance.now() < end) {
    joins.push(usOf(() => subject.join()));
    leaves.push(usOf(() => subject.leave()));
    // Let what was put off to the end of the turn have its own time.
    await new Promise(setImmediate);
    if (joins.length === MOST_REPEATS) break;
  }
  subject.close();
  return { joins: median(joins), leaves: median(leaves) };
}
