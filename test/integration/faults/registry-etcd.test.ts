import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, jest } from '@jest/globals';
import { ServingStatus, silentLog } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { createChannel, createClient } from 'nice-grpc';
import { Catalog } from '../../../registry/src/store/catalog.ts';
import { EtcdClient, type WatchListener } from '../../../registry/src/store/etcd-client.ts';
import { EtcdFeed } from '../../../registry/src/store/etcd-feed.ts';
import { createTestEtcd } from '../../support/etcd.ts';
import { expectFaithful } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { RegistryStage, registrationOf, SERVICE } from '../../support/registry-stage.ts';
import { failureOf } from '../../support/services.ts';
import { createTcpProxy } from '../../support/tcp-proxy.ts';
import { describeWith } from '../../support/tools.ts';

async function elapsed(action: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action;
  return performance.now() - start;
}

async function start() {
  const stage = new RegistryStage();
  return { stage, etcd: stage.use(await createTestEtcd()) };
}

// Each on an etcd of its own; most of their time is waiting.
// A busy machine takes its time.
jest.setTimeout(60_000);

describeWith(['etcd', 'etcdctl'], 'the registry while etcd fails', () => {
  it.concurrent('F11, F12: etcd killed: the known is served, stale; then no gap, no double', async () => {
    const { stage, etcd } = await start();
    await using _ = stage;
    const { client, address } = await stage.registry(etcd.endpoint);
    const instances = [
      await stage.serve(address, 'a', { ttlSeconds: 3 }),
      await stage.serve(address, 'b', { ttlSeconds: 3 }),
    ];
    const leases = instances.map(({ host }) => host.instance.leaseId);
    const watch = stage.follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']));
    await eventually(() => expect(watch.isStale).toBe(false));
    const held = client.keepAlive(
      (async function* () {
        yield { leaseIds: [1n] };
        await eventually(() => expect(watch.isStale).toBe(true));
        // Another lease: the registry remembers that the first one does not exist.
        yield { leaseIds: [2n] };
      })(),
    );
    const renewals = held[Symbol.asyncIterator]();
    await renewals.next();
    const renewal = failureOf(renewals.next());
    await etcd.kill();
    expect((await renewal).code).toBe('UNAVAILABLE');
    expect(await client.getService({ service: SERVICE })).toMatchObject({
      stale: true,
      instances: [{ id: 'a' }, { id: 'b' }],
    });
    const failures: unknown[] = [];
    const spent = await elapsed(
      failureOf(client.register(registrationOf('c'))).then((failure) => failures.push(failure)),
    );
    expect(failures).toEqual([{ code: 'UNAVAILABLE', reason: 'STORE_UNAVAILABLE' }]);
    expect(spent).toBeLessThan(4000);
    await etcd.start();
    await eventually(() => expect(watch.isStale).toBe(false));
    await client.register(registrationOf('c'));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    await expectFaithful(watch, etcd);
    expect(watch.stretches).toHaveLength(1);
    expect(Math.min(...watch.sizes)).toBe(2);
    // The same incarnation gets its lease back: nobody is listed anew.
    expect(instances.map(({ host }) => host.instance.leaseId)).toEqual(leases);
  });

  it.concurrent('F11: etcd frozen: writes fail in time, and it goes on when it thaws', async () => {
    const { stage, etcd } = await start();
    await using _ = stage;
    const { client } = await stage.registry(etcd.endpoint);
    await client.register(registrationOf('a'));
    const watch = stage.follow(client);
    await eventually(() => expect(watch.isStale).toBe(false));
    etcd.pause();
    try {
      const spent = await elapsed(failureOf(client.register(registrationOf('b'))));
      expect(spent).toBeLessThan(5000);
      await eventually(() => expect(watch.isStale).toBe(true));
      expect(watch.ids).toEqual(['a']);
    } finally {
      etcd.resume();
    }
    await eventually(() => expect(watch.isStale).toBe(false));
    await client.register(registrationOf('b'));
    await expectFaithful(watch, etcd);
  });

  it.concurrent('F13: compacted meanwhile: brings exactly what changed, never an empty set', async () => {
    const { stage, etcd } = await start();
    await using _ = stage;
    const proxy = stage.use(await createTcpProxy(etcd.endpoint));
    const [cutOff, other] = [
      await stage.registry(proxy.address),
      await stage.registry(etcd.endpoint),
    ];
    for (const id of ['a', 'b', 'c']) await other.client.register(registrationOf(id));
    const { catalog } = cutOff.store;
    await eventually(() => expect(catalog.instances(SERVICE)).toHaveLength(3));
    const watch = stage.follow(cutOff.client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    await eventually(() => expect(watch.isStale).toBe(false));
    proxy.cut();
    await eventually(() => expect(watch.isStale).toBe(true));
    await other.client.deregister({ service: SERVICE, id: 'b' });
    await other.client.updateInstance({ service: SERVICE, id: 'c', weight: 7 });
    const { revision } = await other.client.register(registrationOf('d'));
    await etcd.ctl('compact', `${revision}`);
    const before = watch.sizes.length;
    proxy.restore();
    await eventually(() => expect(watch.ids).toEqual(['a', 'c', 'd']));
    expect(watch.held.get(`${SERVICE}/c`)?.weight).toBe(7);
    // All at the revision of the list that told them.
    const [at = 0n] = watch.revisions;
    expect(watch.revisions).toEqual([at, at, at]);
    expect(at).toBeGreaterThanOrEqual(revision);
    expect(Math.min(...watch.sizes.slice(before))).toBeGreaterThanOrEqual(3);
    expect(watch.stretches).toHaveLength(1);
  });

  it.concurrent('F13, F14: wiped: the old set stays while all register again', async () => {
    const { stage, etcd } = await start();
    await using _ = stage;
    const { client, address } = await stage.registry(etcd.endpoint, { confirmMs: 1500 });
    const instances = [await stage.serve(address, 'a'), await stage.serve(address, 'b')];
    await client.register(registrationOf('dead'));
    const watch = stage.follow(client);
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'dead']));
    await etcd.kill();
    await etcd.start({ wipe: true });
    await eventually(() => expect(watch.ids).toEqual(['a', 'b']), { withinMs: 8000 });
    await eventually(() => expect(watch.isStale).toBe(false));
    await expectFaithful(watch, etcd);
    expect(watch.stretches).toHaveLength(2);
    expect(Math.min(...watch.sizes)).toBe(2);
    const leases = [...watch.held.values()].map(({ leaseId }) => leaseId);
    expect(leases).toEqual(instances.map(({ host }) => host.instance.leaseId));
  });

  it.concurrent('F19: starts without etcd, NOT_SERVING, and serves once it is there', async () => {
    const { stage, etcd } = await start();
    await using _ = stage;
    await etcd.stop();
    const { client, address } = await stage.registry(etcd.endpoint, { isReady: false });
    const health = createClient(HealthDefinition, stage.use(createChannel(address)));
    expect((await health.check({})).status).toBe(ServingStatus.NOT_SERVING);
    expect(await failureOf(client.listServices({}))).toEqual({
      code: 'UNAVAILABLE',
      reason: 'NOT_READY',
    });
    expect((await failureOf(client.register(registrationOf('a')))).code).toBe('UNAVAILABLE');
    await etcd.start();
    await eventually(async () => {
      expect((await health.check({})).status).toBe(ServingStatus.SERVING);
    });
    await client.register(registrationOf('a'));
    expect((await client.listServices({})).services).toHaveLength(1);
  });

  it.concurrent('F12: finds out that a watch went silent, or lost a change', async () => {
    /** A real client whose watches lose what they are told to lose. */
    class LossyClient extends EtcdClient {
      isLosing = false;
      override watch(prefix: string, fromRevision: bigint, listener: WatchListener) {
        return super.watch(prefix, fromRevision, {
          ...listener,
          changed: (changes) => {
            if (!this.isLosing) listener.changed(changes);
          },
        });
      }
    }
    const { stage, etcd } = await start();
    await using _ = stage;
    const client = stage.use(new LossyClient([etcd.endpoint]));
    const catalog = new Catalog();
    const options = { client, catalog, log: silentLog, checkMs: 100, auditMs: 300 };
    const feed = stage.use(new EtcdFeed(options));
    feed.start();
    const other = await stage.registry(etcd.endpoint);
    const ids = () => catalog.instances(SERVICE).map(({ id }) => id);
    await other.client.register(registrationOf('a'));
    await eventually(() => expect(ids()).toEqual(['a']));
    client.isLosing = true;
    await other.client.register(registrationOf('silent'));
    await eventually(() => expect(ids()).toEqual(['a', 'silent']));
    await other.client.register(registrationOf('lost'));
    await pause(50);
    client.isLosing = false;
    await other.client.register(registrationOf('seen'));
    await eventually(() => expect(ids()).toEqual(['a', 'lost', 'seen', 'silent']));
  });
});
