import type { Instance } from '@weft/proto/registry';
import {
  MESH_UPDATE_KEY,
  type MeshUpdate,
  POLICY_NAME,
  registerMeshLoadBalancer,
} from '../../../client-sdk/src/balancer/mesh-load-balancer.ts';
import { median } from '../harness/stats.ts';
import { createCore, instanceAt, instances } from './core.ts';
import {
  type ChannelOptions,
  ChildLoadBalancerHandler,
  FakeChannel,
  parseLoadBalancingConfig,
  statusOrFromValue,
} from './fake-channel.ts';

const LEAST_REPEATS = 3;
const MOST_REPEATS = 200;

/** What the resolver hands a policy with the addresses. */
type Attributes = (listed: readonly Instance[]) => ChannelOptions;

function weftAttributes(): { attributes: Attributes; close: () => void } {
  registerMeshLoadBalancer();
  const { balancer, close } = createCore('round_robin');
  const attributes = (listed: readonly Instance[]) => {
    const update: MeshUpdate = { balancer, instances: listed, isRetried: () => false };
    return { [MESH_UPDATE_KEY]: update };
  };
  return { attributes, close };
}

/**
 * What it costs a policy, in us, that one more instance is listed than the `count` that were, and that
 * it is no longer; with the first pick after each. Both ways of every policy go through the same fake
 * channel.
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
  const weft = policy === 'weft' ? weftAttributes() : undefined;
  const attributes: Attributes = weft?.attributes ?? (() => ({}));
  const config = parseLoadBalancingConfig({ [weft ? POLICY_NAME : policy]: {} });
  const channel = new FakeChannel();
  const balancer = new ChildLoadBalancerHandler(channel.helper);
  const before = instances(count);
  const newcomer = instanceAt(count);
  const tell = (listed: readonly Instance[]) => {
    const addresses = listed.map(({ address }) => ({
      addresses: address === undefined ? [] : [address],
    }));
    const options = attributes(listed);
    const endpoints = statusOrFromValue(addresses);
    const start = performance.now();
    balancer.updateAddressList(endpoints, config, options, '');
    channel.pick();
    return (performance.now() - start) * 1000;
  };
  tell(before);
  const joins: number[] = [];
  const leaves: number[] = [];
  const end = performance.now() + budgetMs;
  while (joins.length < LEAST_REPEATS || performance.now() < end) {
    joins.push(tell([...before, newcomer]));
    leaves.push(tell(before));
    // Let what was put off to the end of the turn have its own time.
    await new Promise(setImmediate);
    if (joins.length === MOST_REPEATS) break;
  }
  balancer.destroy();
  weft?.close();
  return { joins: median(joins), leaves: median(leaves) };
}
