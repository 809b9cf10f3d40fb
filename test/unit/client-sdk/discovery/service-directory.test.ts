import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLog } from '@weft/proto';
import type { Registry } from '@weft/registry';
import { RegistryConnection } from '../../../../client-sdk/src/discovery/registry-connection.ts';
import {
  ServiceDirectory,
  type ServiceDirectoryOptions,
} from '../../../../client-sdk/src/discovery/service-directory.ts';
import type { ServiceSnapshot } from '../../../../client-sdk/src/discovery/service-snapshot.ts';
import { eventually } from '../../../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../../../support/registry.ts';
import { instance } from '../fixtures.ts';
import { createSilentServer } from '../silent-server.ts';

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

function record(directory: ServiceDirectory, service = 'echo') {
  const seen: ServiceSnapshot[] = [];
  directory.follow(service, { snapshotChanged: (s) => seen.push(s), discoveryFailed: () => {} });
  return { seen, ids: () => seen.at(-1)?.instances.map(({ id }) => id) };
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
    const { ids, seen } = record(directory);
    const { leaseId } = await list('a');
    await eventually(() => expect(ids()).toEqual(['a']));
    await client.client.deregister({ service: 'echo', id: 'a', leaseId });
    await eventually(() => expect(ids()).toEqual([]), { withinMs: 2000 });
    expect(seen.every(({ stale }) => !stale)).toBe(true);
  });

  it('doubts an empty set right after a reconnect: a registry that restarted knows no one yet', async () => {
    await list('a');
    const directory = open();
    const { ids, seen } = record(directory);
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
    expect(seen.filter(({ instances }) => instances.length === 0)).toEqual([]);
  });
});
