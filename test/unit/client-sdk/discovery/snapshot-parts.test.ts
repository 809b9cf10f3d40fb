import { describe, expect, it } from '@jest/globals';
import { SnapshotParts, silentLog } from '@weft/proto';
import type { Instance, WatchResponse } from '@weft/proto/registry';
import { RegistryConnection } from '../../../../client-sdk/src/discovery/registry-connection.ts';
import { ServiceDirectory } from '../../../../client-sdk/src/discovery/service-directory.ts';
import { createTestRegistry } from '../../../support/registry.ts';
import { describedInstance } from '../../registry/fixtures.ts';
import { instance, silentObserver } from '../fixtures.ts';

function part(more: boolean, ...instances: Instance[]): WatchResponse {
  const snapshot = { instances, revision: 5n, more, history: 'h' };
  return { snapshot, events: undefined, progress: undefined, stale: false, acknowledge: false };
}

describe('SnapshotParts', () => {
  it('joins parts into one snapshot, and passes on all else as it is', () => {
    const parts = new SnapshotParts();
    const [a, b, c] = [instance('a'), instance('b'), instance('c')];
    expect(parts.join(part(true, a))).toBeUndefined();
    expect(parts.join(part(true, b))).toBeUndefined();
    expect(parts.join(part(false, c))).toEqual(part(false, a, b, c));
    expect(parts.join(part(false, b))).toEqual(part(false, b));
    const progress = { ...part(false), snapshot: undefined, progress: { revision: 6n } };
    expect(parts.join(progress)).toBe(progress);
  });
});

describe('discovery of a service too large for a message', () => {
  it('answers all of its instances at once', async () => {
    const registry = await createTestRegistry();
    const labels = Array.from({ length: 16 }, (_, i): [string, string] => [
      `k${i}`,
      'x'.repeat(4000),
    ]);
    for (let index = 0; index < 80; index += 1) {
      const described = describedInstance({ id: `i${index}`, metadata: new Map(labels) });
      await registry.store.register(described, 10);
    }
    const connection = new RegistryConnection([registry.address], () => 0);
    const directory = new ServiceDirectory({
      registry: connection,
      ttlMs: 1000,
      timeoutMs: 5000,
      protectedShare: 0.5,
      observer: silentObserver,
      log: silentLog,
    });
    try {
      expect((await directory.discover('user-service')).instances).toHaveLength(80);
    } finally {
      directory.close();
      connection.close();
      await registry.close();
    }
  });
});
