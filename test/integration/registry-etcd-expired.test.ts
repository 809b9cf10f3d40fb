import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { EtcdClient } from '../../registry/src/store/etcd-client.ts';
import { newLeaseId } from '../../registry/src/store/lease-id.ts';
import { createTestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { type RegistryClient, RegistryStage, registrationOf } from '../support/registry-stage.ts';
import { describeWith } from '../support/tools.ts';

/** Expired leases that etcd has yet to revoke: it revokes about 1,000 a second. By hand: 15,000. */
const EXPIRED = Number(process.env.EXPIRED_LEASES ?? 4000);
/** Long enough for all of them to be granted before the first one ends. */
const EXPIRED_TTL_SECONDS = EXPIRED > 5000 ? 45 : 6;
const HEALTHY = 50;
const HEALTHY_TTL_SECONDS = 5;
const RENEW_MS = (HEALTHY_TTL_SECONDS * 1000) / 3;
const PER_MESSAGE = 1000;
/** Grants under way at once. */
const AT_ONCE = 500;

/** Renews leases with one message. @returns the seconds that each has now */
async function renew(client: RegistryClient, leaseIds: bigint[]): Promise<number[]> {
  const requests = async function* () {
    yield { leaseIds };
  };
  for await (const { leases } of client.keepAlive(requests())) {
    return leases.map(({ ttlSeconds }) => ttlSeconds);
  }
  throw new Error('the registry returned nothing');
}

/** Renews leases as their owners do, until the registry says that all of them are gone. */
async function untilGone(client: RegistryClient, leaseIds: bigint[]): Promise<void> {
  const areGone = async () => {
    expect((await renew(client, leaseIds)).filter((seconds) => seconds > 0)).toEqual([]);
  };
  await eventually(areGone, { withinMs: 15_000, everyMs: 500 });
}

async function grantMany(etcd: EtcdClient): Promise<bigint[]> {
  const leaseIds = Array.from({ length: EXPIRED }, newLeaseId);
  for (let start = 0; start < EXPIRED; start += AT_ONCE) {
    const some = leaseIds.slice(start, start + AT_ONCE);
    await Promise.all(some.map((leaseId) => etcd.grant(leaseId, EXPIRED_TTL_SECONDS)));
  }
  return leaseIds;
}

/** Renews leases without the registry. */
async function renewInEtcd(etcd: EtcdClient, leaseIds: readonly bigint[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = leaseIds.length;
  const renewed = () => {
    left -= 1;
    if (left === 0) resolve();
  };
  const stream = etcd.keepAlive({ renewed, ended: reject });
  for (const leaseId of leaseIds) stream.renew(leaseId);
  await promise;
  stream.close();
}

describeWith(['etcd', 'etcdctl'], 'a registry with many renewals of expired leases', () => {
  it('R1: renews all healthy leases in time, and says of the expired ones that they are gone', async () => {
    await using stage = new RegistryStage();
    const etcd = stage.use(await createTestEtcd());
    const { client, address, store } = await stage.registry(etcd.endpoint);
    const direct = stage.use(new EtcdClient([etcd.endpoint]));
    const expired = await grantMany(direct);
    const register = async (_: unknown, index: number) => {
      const options = { service: 'healthy', ttlSeconds: HEALTHY_TTL_SECONDS };
      return (await client.register(registrationOf(`i-${index}`, options))).leaseId;
    };
    const healthy = await Promise.all(Array.from({ length: HEALTHY }, register));
    const renewals: (number | Error)[] = [];
    const over = new AbortController();
    const { signal } = over;
    const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});
    const keeping = healthy.map(async (leaseId, index) => {
      await pause((RENEW_MS * index) / HEALTHY);
      while (!signal.aborted) {
        renewals.push(
          await renew(client, [leaseId]).then(
            ([ttlSeconds = 0]) => ttlSeconds,
            (error: Error) => error,
          ),
        );
        await pause(RENEW_MS);
      }
    });
    // Renewed together, they expire together. Then all have expired, and etcd has revoked a few.
    await renewInEtcd(direct, expired);
    await sleep(EXPIRED_TTL_SECONDS * 1000);
    const left = (await etcd.ctl('lease', 'list')).trim().split('\n').length - HEALTHY;
    // A slow machine renews them one after the other, so some are gone by now.
    expect(left).toBeGreaterThan(EXPIRED / 8);
    const messages = Array.from({ length: Math.ceil(EXPIRED / PER_MESSAGE) }, (_, index) =>
      expired.slice(index * PER_MESSAGE, (index + 1) * PER_MESSAGE),
    );
    const others = stage.client(address);
    const found = Promise.all(messages.map((leaseIds) => untilGone(others, leaseIds)));
    await Promise.all([found, sleep(3 * RENEW_MS)]);
    over.abort();
    await Promise.all(keeping);
    expect(renewals.filter((renewal) => renewal !== HEALTHY_TTL_SECONDS)).toEqual([]);
    expect(renewals.length).toBeGreaterThan(2 * HEALTHY);
    expect(
      store.catalog
        .instances('healthy')
        .map(({ leaseId }) => leaseId)
        .sort(),
    ).toEqual(healthy.sort());
  });
});
