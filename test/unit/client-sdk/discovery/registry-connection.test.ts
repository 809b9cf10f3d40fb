import { describe, expect, it } from '@jest/globals';
import { RegistryConnection } from '../../../../client-sdk/src/discovery/registry-connection.ts';
import { freePort } from '../../../../orchestrator/src/process/ports.ts';
import { createTestRegistry } from '../../../support/registry.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

const addresses = ['a:1', 'b:1', 'c:1'];

describe('RegistryConnection', () => {
  it('F20: moves on once however many of its users fail, and comes round to every replica', () => {
    const registry = new RegistryConnection(addresses, () => 0);
    const first = registry.replica;
    expect(first.address).toBe('a:1');
    expect(registry.failover(first)).toBe(true);
    expect(registry.failover(first)).toBe(true);
    expect(registry.replica.address).toBe('b:1');
    registry.failover(registry.replica);
    expect(registry.replica.address).toBe('c:1');
    registry.failover(registry.replica);
    expect(registry.replica).toBe(first);
    registry.close();
  });

  it('F20: knows that there is no other', () => {
    const registry = new RegistryConnection(['a:1'], Math.random);
    expect(registry.failover(registry.replica)).toBe(false);
    registry.close();
  });

  it('F20: spreads clients over the replicas, and those of one that fails over all the others', () => {
    const random = seededRandom(7);
    const paths = new Map<string, number>();
    for (let client = 0; client < 120; client += 1) {
      const registry = new RegistryConnection(addresses, random);
      const { address } = registry.replica;
      registry.failover(registry.replica);
      const path = `${address} ${registry.replica.address}`;
      paths.set(path, (paths.get(path) ?? 0) + 1);
      registry.close();
    }
    expect(paths.size).toBe(6);
    for (const count of paths.values()) {
      expect(count).toBeGreaterThan(8);
      expect(count).toBeLessThan(35);
    }
  });
});

describe('a replica that could not be reached', () => {
  it('F20: is tried at once by who comes to it again, and not when gRPC would', async () => {
    const port = await freePort('127.0.0.1');
    await using registries = new AsyncDisposableStack();
    const start = async (options = {}) => {
      const started = await createTestRegistry(options);
      registries.defer(() => started.close());
      return started;
    };
    const other = await start();
    const registry = new RegistryConnection([`127.0.0.1:${port}`, other.address], () => 0);
    registries.defer(() => registry.close());
    const ask = () => registry.replica.client.listServices({});
    // By now gRPC waits for one to two seconds before it tries again.
    expect(await failures(ask, 1500)).toBeGreaterThan(3);
    const late = await start({ port });
    expect(registry.failover(registry.replica)).toBe(true);
    await ask();
    registry.failover(registry.replica);
    expect(registry.replica.address).toBe(late.address);
    await ask();
  });
});

/** Asks again and again for `ms`. Answers how often it failed. */
async function failures(ask: () => Promise<unknown>, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  while (performance.now() < end) {
    await expect(ask()).rejects.toThrow(/UNAVAILABLE/);
    count += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return count;
}
