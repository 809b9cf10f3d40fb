import { describe, expect, it } from '@jest/globals';
import { RegistryConnection } from '../../../../client-sdk/src/discovery/registry-connection.ts';
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
    for (let client = 0; client < 6000; client += 1) {
      const registry = new RegistryConnection(addresses, random);
      const { address } = registry.replica;
      registry.failover(registry.replica);
      const path = `${address} ${registry.replica.address}`;
      paths.set(path, (paths.get(path) ?? 0) + 1);
      registry.close();
    }
    expect(paths.size).toBe(6);
    for (const count of paths.values()) {
      expect(count).toBeGreaterThan(850);
      expect(count).toBeLessThan(1150);
    }
  });
});
