import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { createMesh } from '@weft/client-sdk';
import { HealthDefinition } from '@weft/proto/health';
import { EtcdStore, type Registry } from '@weft/registry';
import { createChannel, createClient } from 'nice-grpc';
import { createTestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { metricsOf } from '../support/metrics.ts';
import { recordedLog } from '../support/recorded-log.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { describeWith } from '../support/tools.ts';

async function isWatched(registry: Registry): Promise<boolean> {
  return (await metricsOf(registry)).get('weft_registry_watchers') === 1;
}

describeWith(['etcd', 'etcdctl'], 'a registry that stops', () => {
  let cleanup: AsyncDisposableStack;
  beforeEach(() => {
    cleanup = new AsyncDisposableStack();
  });
  afterEach(() => cleanup.disposeAsync());

  it('F29: says first that it does not serve; who watches goes on at another and hears of no error', async () => {
    const etcd = await createTestEtcd();
    cleanup.defer(() => etcd.close());
    const { log, lines } = recordedLog();
    const start = async () => {
      const store = new EtcdStore({ endpoints: [etcd.endpoint], log });
      const registry = await createTestRegistry({ httpPort: 0, store, log });
      cleanup.defer(() => registry.close());
      return registry;
    };
    const replicas = [await start(), await start()];
    const mesh = createMesh({ registry: replicas.map(({ address }) => address), log });
    cleanup.defer(() => mesh.close());
    await mesh.discover('user').catch(() => {});
    const [isFirst] = await Promise.all(replicas.map(isWatched));
    const [left, other] = isFirst ? replicas : replicas.toReversed();
    if (left === undefined || other === undefined) throw new Error('there are two');
    expect(await isWatched(left)).toBe(true);

    const { client, close } = createRegistryClient(other.address);
    cleanup.defer(close);
    const address = { host: '127.0.0.1', port: 5000 };
    const instance = { service: 'user', id: 'a', address };
    await client.register({ instance, ttlSeconds: 600, skipCallback: true });
    await eventually(async () => {
      expect((await mesh.discover('user')).instances).toHaveLength(1);
    });
    const channel = createChannel(left.address);
    cleanup.defer(() => channel.close());
    const told: unknown[] = [];
    const health = (async () => {
      for await (const { status } of createClient(HealthDefinition, channel).watch({})) {
        told.push(status);
      }
    })();
    await eventually(() => expect(told).toEqual([1]));

    await left.close();
    await health;
    expect(told).toEqual([1, 2]);
    const second = { ...instance, id: 'b' };
    await client.register({ instance: second, ttlSeconds: 600, skipCallback: true });
    await eventually(async () => {
      const { instances, stale } = await mesh.discover('user');
      expect([instances.length, stale]).toEqual([2, false]);
    });
    expect(await isWatched(other)).toBe(true);
    expect(lines.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
  });
});
