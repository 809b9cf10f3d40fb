import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Registry } from '@weft/registry';
import { decodeReplica } from '../../registry/src/store/etcd-membership.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createTestRegistry } from '../support/registry.ts';
import { describeWith } from '../support/tools.ts';

const PREFIX = '/weft/v1/registries/';

it('a value that is no replica, or has no lease to end it, is not taken for one', () => {
  const replica = { id: 'a', address: '10.0.0.1:7400', startTime: '2026-01-02T03:04:05.000Z' };
  const key = `${PREFIX}a`;
  const valid = JSON.stringify(replica);
  expect(decodeReplica({ key, value: valid, leaseId: 7n })).toEqual({
    ...replica,
    startTime: new Date(replica.startTime),
  });
  expect(decodeReplica({ key, value: valid, leaseId: 0n })).toBeUndefined();
  const addresses = ['nowhere', 'https://10.0.0.1:7400', 'two words:7400', '10.0.0.1:99999'];
  const changes = [...addresses.map((address) => ({ address })), { id: 'b' }, { startTime: 'x' }];
  const foreign = changes.map((change) => JSON.stringify({ ...replica, ...change }));
  for (const value of ['', 'null', '[]', '{}', ...foreign]) {
    expect(decodeReplica({ key, value, leaseId: 7n })).toBeUndefined();
  }
});

describeWith(['etcd', 'etcdctl'], 'a registry among others', () => {
  let etcd: TestEtcd;
  const registries: Registry[] = [];

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterEach(async () => {
    for (const registry of registries.splice(0)) await registry.close();
  });
  afterAll(() => etcd.close());

  async function start(): Promise<Registry> {
    const registry = await createTestRegistry({ etcd: etcd.endpoint });
    registries.push(registry);
    return registry;
  }

  /** The keys of the replicas, by address. */
  async function keys(): Promise<Map<string, string>> {
    const text = await etcd.ctl('get', '--prefix', PREFIX);
    const lines = text.split('\n').filter((line) => line !== '');
    const values = lines.filter((_, index) => index % 2 === 1);
    return new Map(
      values.map((value, index) => [JSON.parse(value).address, lines[2 * index] ?? '']),
    );
  }

  const isKnown = (address: string) =>
    eventually(async () => expect((await keys()).get(address)).toMatch(PREFIX), {
      withinMs: 15_000,
    });

  it('stands under its own key on its own lease, and is back when the key was deleted', async () => {
    const { address } = await start();
    await isKnown(address);
    const [, key = ''] = [...(await keys())][0] ?? [];
    const leases = (await etcd.ctl('lease', 'list')).trim().split('\n').slice(1);
    expect(leases).toHaveLength(1);
    expect(await etcd.ctl('lease', 'timetolive', leases[0] ?? '', '--keys')).toContain(key);
    await etcd.ctl('del', key);
    await isKnown(address);
    await etcd.ctl('lease', 'revoke', leases[0] ?? '');
    await isKnown(address);
  });

  it('goes at once when it is closed, and leaves those that stay', async () => {
    const leaving = await start();
    const staying = await start();
    await isKnown(leaving.address);
    await isKnown(staying.address);
    await leaving.close();
    expect([...(await keys()).keys()]).toEqual([staying.address]);
  });
});
