import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import type { Instance } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import type { InstanceChanges } from '../../../../client-sdk/src/discovery/instance-changes.ts';
import { RegistryConnection } from '../../../../client-sdk/src/discovery/registry-connection.ts';
import {
  ServiceDirectory,
  type ServiceDirectoryOptions,
} from '../../../../client-sdk/src/discovery/service-directory.ts';
import { eventually } from '../../../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../../../support/registry.ts';
import { createSilentServer } from '../../../support/silent-server.ts';
import { instance, silentObserver } from '../fixtures.ts';

let registry: Registry;
let client: ReturnType<typeof createRegistryClient>;
const closers: (() => void)[] = [];

beforeEach(async () => {
  registry = await createTestRegistry();
  client = createRegistryClient(registry.address);
});

afterEach(async () => {
  for (const close of closers.splice(0)) close();
  client.close();
  await registry.close();
});

/** A directory whose first replica is the first of `addresses`. */
function open(
  addresses: readonly string[] = [registry.address],
  options: Partial<ServiceDirectoryOptions> = {},
): ServiceDirectory {
  const connection = new RegistryConnection(addresses, () => 0);
  const directory = new ServiceDirectory({
    registry: connection,
    ttlMs: 60_000,
    timeoutMs: 5000,
    protectedShare: 0.5,
    observer: silentObserver,
    log: silentLog,
    ...options,
  });
  closers.push(() => {
    directory.close();
    connection.close();
  });
  return directory;
}

function list(id: string, service = 'echo', at = client) {
  return at.client.register({
    instance: { ...instance(id), service, leaseId: 0n },
    ttlSeconds: 60,
  });
}

/** What a follower holds after each change it was told of. */
function record(directory: ServiceDirectory, service = 'echo') {
  const held = new Map<string, Instance>();
  const seen: InstanceChanges[] = [];
  const sizes: number[] = [];
  directory.follow(service, {
    instancesChanged: (changes) => {
      if (changes.isComplete) held.clear();
      for (const { id } of changes.removed) held.delete(id);
      for (const each of changes.put) held.set(each.id, each);
      seen.push(changes);
      sizes.push(held.size);
    },
    discoveryFailed: () => {},
  });
  return { seen, sizes, ids: () => (seen.length === 0 ? undefined : [...held.keys()]) };
}

describe('discover', () => {
  it('asks once for all who ask, and answers from memory then', async () => {
    await list('a');
    const directory = open();
    const answers = await Promise.all([1, 2, 3].map(() => directory.discover('echo')));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatchObject({ service: 'echo', stale: false });
    expect(await directory.discover('echo')).toBe(answers[0]);
  });

  it('gets its answer from the next replica when the first refuses connections', async () => {
    await list('a');
    const { instances } = await open(['127.0.0.1:1', registry.address]).discover('echo');
    expect(instances.map(({ id }) => id)).toEqual(['a']);
  });

  it('gets its answer from the next replica when the first is frozen', async () => {
    await list('a');
    const silent = await createSilentServer();
    try {
      const { instances } = await open([silent.address, registry.address]).discover('echo');
      expect(instances.map(({ id }) => id)).toEqual(['a']);
    } finally {
      await silent.close();
    }
  });

  it('fails once every replica has been asked in vain, naming them', async () => {
    await expect(open(['127.0.0.1:1', '127.0.0.1:2']).discover('echo')).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining('127.0.0.1:1, 127.0.0.1:2 does not answer'),
    });
  });

  it('fails at once when the directory is closed meanwhile, or was before', async () => {
    const silent = await createSilentServer();
    try {
      const directory = open([silent.address]);
      const waiting = directory.discover('echo').catch((error: unknown) => error);
      directory.close();
      expect(await waiting).toMatchObject({ code: 'MESH_CLOSED' });
      await expect(directory.discover('echo')).rejects.toMatchObject({ code: 'MESH_CLOSED' });
    } finally {
      await silent.close();
    }
  });

  it('serves what it knew, marked stale past the TTL, while the registry is away', async () => {
    await list('a');
    const directory = open([registry.address], { ttlMs: 200 });
    record(directory);
    await directory.discover('echo');
    await registry.close();
    const later = await eventually(async () => {
      const snapshot = await directory.discover('echo');
      expect(snapshot.stale).toBe(true);
      return snapshot;
    });
    expect(later.instances.map(({ id }) => id)).toEqual(['a']);
  });

  it('forgets a service that nobody asks about for the TTL', async () => {
    await list('a');
    const directory = open([registry.address], { ttlMs: 100 });
    const first = await directory.discover('echo');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const again = await directory.discover('echo');
    expect(again).not.toBe(first);
    expect(again.instances).toEqual(first.instances);
  });
});

describe('follow', () => {
  it('tells every change, the last instance that leaves included, until told to stop', async () => {
    const directory = open();
    const { ids } = record(directory);
    const { leaseId } = await list('a');
    await eventually(() => expect(ids()).toEqual(['a']));
    await client.client.deregister({ service: 'echo', id: 'a', leaseId });
    await eventually(() => expect(ids()).toEqual([]), { withinMs: 2000 });
    expect(await directory.discover('echo')).toMatchObject({ instances: [], stale: false });
  });

  it('tells a later follower all at first, and both the same changes then', async () => {
    await list('a');
    const directory = open();
    const first = record(directory);
    await eventually(() => expect(first.ids()).toEqual(['a']));
    const second = record(directory);
    await eventually(() => expect(second.ids()).toEqual(['a']));
    expect(second.seen[0]).toMatchObject({ isComplete: true, removed: [] });
    expect(second.seen[0]?.put[0]).toBe(first.seen.at(-1)?.put[0]);
    await list('b');
    await eventually(() => expect(second.ids()).toEqual(['a', 'b']));
    expect(second.seen.at(-1)).toBe(first.seen.at(-1));
    expect(second.seen.at(-1)).toMatchObject({ isComplete: false, removed: [] });
  });

  it('doubts an empty set right after a reconnect: a registry that restarted knows no one yet', async () => {
    await list('a');
    const directory = open();
    const { ids, sizes } = record(directory);
    const other = record(directory, 'other');
    await eventually(() => expect(ids()).toEqual(['a']));
    const port = Number(registry.address.split(':')[1]);
    await registry.close();
    registry = await createTestRegistry({ port });
    const fresh = createRegistryClient(registry.address);
    closers.push(() => fresh.close());
    await list('x', 'other', fresh);
    await eventually(() => expect(other.ids()).toEqual(['x']));
    expect(ids()).toEqual(['a']);
    await list('b', 'echo', fresh);
    await eventually(() => expect(ids()).toEqual(['b']));
    expect(sizes).not.toContain(0);
  });
});
