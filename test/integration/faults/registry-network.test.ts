import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { openRenewalStream } from '../../../client-sdk/src/registration/renewal.ts';
import { median } from '../../bench/harness/stats.ts';
import { createTestEtcd } from '../../support/etcd.ts';
import { expectFaithful, looseLeases } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { RegistryStage, registrationOf } from '../../support/registry-stage.ts';
import { failureOf } from '../../support/services.ts';
import { createTcpProxy } from '../../support/tcp-proxy.ts';
import { describeWith } from '../../support/tools.ts';

const TTL_SECONDS = 2;

/** A replica that reaches etcd by a network that can be made bad, and one that has a good one. */
async function start() {
  const stage = new RegistryStage();
  const etcd = stage.use(await createTestEtcd());
  const proxy = stage.use(await createTcpProxy(etcd.endpoint));
  const far = await stage.registry(proxy.address);
  const near = await stage.registry(etcd.endpoint);
  return { stage, etcd, proxy, far, near };
}

// A busy machine takes its time.
jest.setTimeout(60_000);

describeWith(['etcd', 'etcdctl'], 'a network to etcd', () => {
  it.concurrent('F19: that brings no answers: what is known is served, stale; no lease is left over', async () => {
    const { stage, etcd, proxy, far, near } = await start();
    await using _ = stage;
    const a = await stage.serve(far.address, 'a', { ttlSeconds: TTL_SECONDS });
    const watch = stage.follow(far.client);
    await eventually(() => expect(watch.isStale).toBe(false));
    proxy.block('toClient');
    // It is done, and nobody is told: whoever asked asks again.
    const lost = await failureOf(far.client.register(registrationOf('b')));
    expect(lost).toEqual({ code: 'UNAVAILABLE', reason: 'STORE_UNAVAILABLE' });
    await eventually(() => expect(watch.isStale).toBe(true));
    expect(watch.ids).toEqual(['a']);
    await near.client.register(registrationOf('c'));
    await pause(TTL_SECONDS * 1000);
    proxy.restore();
    await eventually(() => expect(watch.isStale).toBe(false));
    await far.client.register(registrationOf('b'));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    await expectFaithful(watch, etcd);
    expect(watch.stretches).toHaveLength(1);
    expect(watch.held.get('user-service/a')?.leaseId).toBe(a.host.instance.leaseId);
    await eventually(async () => expect(await looseLeases(etcd)).toEqual([]));
  });

  it.concurrent('F19: that takes no requests: what etcd tells is passed on, and all is well after', async () => {
    const { stage, etcd, proxy, far, near } = await start();
    await using _ = stage;
    await stage.serve(far.address, 'a', { ttlSeconds: TTL_SECONDS });
    await stage.serve(near.address, 'b', { ttlSeconds: TTL_SECONDS });
    const watch = stage.follow(far.client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
    await eventually(() => expect(watch.isStale).toBe(false));
    proxy.block('toServer');
    const blockedAt = performance.now();
    await near.client.register(registrationOf('c'));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    // Its lease cannot be renewed. etcd ends it, and that is what is told.
    await eventually(() => expect(watch.ids).toEqual(['b', 'c']), { withinMs: 4000 });
    expect(performance.now() - blockedAt).toBeLessThan((TTL_SECONDS + 1) * 1000);
    await eventually(() => expect(watch.isStale).toBe(true));
    proxy.restore();
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    await eventually(() => expect(watch.isStale).toBe(false));
    await expectFaithful(watch, etcd);
    expect(watch.stretches).toHaveLength(1);
  });

  it.concurrent('F18: that is slow, 500 ms each way: renewals do not wait for registrations', async () => {
    // Within a third of it a renewal is answered, twice over.
    const ttlSeconds = 6;
    const { stage, etcd, proxy, far } = await start();
    await using _ = stage;
    const serving = ['a', 'b'].map((id) => stage.serve(far.address, id, { ttlSeconds }));
    const instances = await Promise.all(serving);
    const leases = instances.map(({ host }) => host.instance.leaseId);
    const watch = stage.follow(far.client);
    proxy.latencyMs = 500;
    // More than are written at once.
    const ids = Array.from({ length: 100 }, (_, index) => `crowd-${index}`);
    const startedAt = performance.now();
    const registrationsMs: number[] = [];
    const registering = ids.map(async (id) => {
      await far.client.register(registrationOf(id));
      registrationsMs.push(performance.now() - startedAt);
    });
    let isRegistering = true;
    const registered = Promise.all(registering).finally(() => {
      isRegistering = false;
    });
    const renewalsMs: number[] = [];
    while (isRegistering) {
      const renewals = openRenewalStream(far.client);
      const askedAt = performance.now();
      // A starved machine may make one late; the instances ask again, too.
      await renewals.renew(leases[0] ?? 0n, 4000).then(
        (seconds) => expect(seconds).toBe(ttlSeconds),
        () => {},
      );
      renewalsMs.push(performance.now() - askedAt);
      renewals.close();
    }
    await registered;
    await pause(Math.max(0, startedAt + ttlSeconds * 1000 + 500 - performance.now()));
    expect(renewalsMs.length).toBeGreaterThan(1);
    expect(median(renewalsMs)).toBeLessThan(median(registrationsMs));
    proxy.latencyMs = 0;
    await expectFaithful(watch, etcd);
    expect(watch.held.size).toBe(102);
    expect(watch.isStale).toBe(false);
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
  });
});
