import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { EtcdStore, type Registry } from '@weft/registry';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { failureOf } from '../support/services.ts';
import { describeWith } from '../support/tools.ts';
import { WatchRecorder } from '../support/watch-recorder.ts';
import { describedInstance } from '../unit/registry/fixtures.ts';

const PREFIX = '/weft/v1/services/';

const at = (service: string, id: string, port = 5000) => ({
  instance: { service, id, address: { host: '127.0.0.1', port }, incarnation: `run-of-${id}` },
});

describeWith(['etcd', 'etcdctl'], 'the registry on etcd', () => {
  let etcd: TestEtcd;
  let cleanup: AsyncDisposableStack;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());
  beforeEach(() => {
    cleanup = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await cleanup.disposeAsync();
    const [, ...leases] = (await etcd.ctl('lease', 'list')).trim().split('\n');
    for (const lease of leases) await etcd.ctl('lease', 'revoke', lease);
    await etcd.ctl('del', '--prefix', PREFIX);
  });

  async function start() {
    const registry: Registry = await createTestRegistry({ etcd: etcd.endpoint });
    cleanup.defer(() => registry.close());
    const connection = createRegistryClient(registry.address);
    cleanup.defer(() => connection.close());
    return { registry, client: connection.client };
  }

  type Client = Awaited<ReturnType<typeof start>>['client'];

  function follow(client: Client) {
    const watch = new WatchRecorder(client);
    cleanup.defer(() => watch.stop());
    return watch;
  }

  /** Seconds that a lease has after a renewal. */
  async function ttlOf(client: Client, leaseId: bigint) {
    const requests = async function* () {
      yield { leaseIds: [leaseId] };
    };
    for await (const { leases } of client.keepAlive(requests())) return leases[0]?.ttlSeconds;
    return undefined;
  }

  it('shows the mesh to etcdctl: readable values, a lease each', async () => {
    const { client } = await start();
    await client.register(at('user-service', 'a'));
    const { leaseId } = await client.register(at('user-service', 'b', 5001));
    const [key, value, ...rest] = (await etcd.ctl('get', '--prefix', PREFIX)).split('\n');
    expect(key).toBe(`${PREFIX}user-service/a`);
    expect(JSON.parse(value ?? '')).toMatchObject({
      id: 'a',
      service: 'user-service',
      address: { host: '127.0.0.1', port: 5000 },
      status: 'RUNNING',
      ttlSeconds: 10,
    });
    expect(rest[0]).toBe(`${PREFIX}user-service/b`);
    const leases = (await etcd.ctl('lease', 'list')).trim().split('\n').slice(1);
    const keys = leases.map((id) => etcd.ctl('lease', 'timetolive', id, '--keys'));
    expect((await Promise.all(keys)).filter((text) => text.includes(PREFIX))).toHaveLength(2);
    const lease = await etcd.ctl('lease', 'timetolive', leaseId.toString(16), '--keys');
    expect(lease).toContain(`granted with TTL(10s)`);
    expect(lease).toContain(`attached keys([${PREFIX}user-service/b])`);
  });

  it('removes an instance everywhere when etcdctl deletes its key or revokes its lease', async () => {
    const [one, two] = [await start(), await start()];
    const first = await one.client.register(at('user-service', 'a'));
    const { leaseId } = await one.client.register(at('user-service', 'b', 5001));
    const watches = [follow(one.client), follow(two.client)];
    const held = (ids: string[]) =>
      eventually(() => expect(watches.map((watch) => watch.ids)).toEqual([ids, ids]), {
        withinMs: 1000,
      });
    await held(['a', 'b']);
    await etcd.ctl('del', `${PREFIX}user-service/a`);
    await held(['b']);
    // The lease outlived its key; the owner of both is told all the same.
    expect(await ttlOf(two.client, first.leaseId)).toBe(0);
    await etcd.ctl('lease', 'revoke', leaseId.toString(16));
    await held([]);
    expect(await ttlOf(two.client, leaseId)).toBe(0);
    const again = await one.client.register(at('user-service', 'b', 5001));
    expect(again.leaseId).not.toBe(leaseId);
    await held(['b']);
  });

  it('F1: drops an instance by TTL + 1 s after its renewals end, while another is kept', async () => {
    const { client } = await start();
    const first = await client.register({ ...at('user-service', 'a'), ttlSeconds: 2 });
    const second = await client.register({ ...at('user-service', 'b', 5001), ttlSeconds: 2 });
    const watch = follow(client);
    let leases = [first.leaseId, second.leaseId];
    const stopper = new AbortController();
    const renew = async function* () {
      while (!stopper.signal.aborted) {
        yield { leaseIds: leases };
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    };
    const renewing = (async () => {
      for await (const _ of client.keepAlive(renew()));
    })();
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(watch.ids).toEqual(['a', 'b']);
    leases = [second.leaseId];
    await eventually(() => expect(watch.ids).toEqual(['b']), { withinMs: 3000 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(watch.ids).toEqual(['b']);
    stopper.abort();
    await renewing;
  });

  it('B22: skips foreign values, keeps the last good one, and lets a registration replace them', async () => {
    const { registry, client } = await start();
    const { leaseId } = await client.register(at('user-service', 'a'));
    const watch = follow(client);
    await etcd.ctl('put', `${PREFIX}user-service/a`, 'garbage');
    await eventually(async () => expect(await ttlOf(client, leaseId)).toBe(0));
    await etcd.ctl('put', `${PREFIX}user-service/b`, '{"half":');
    await etcd.ctl('put', `${PREFIX}somewhere/else/entirely`, 'x');
    await client.register(at('user-service', 'c', 5001));
    await eventually(() => expect(watch.ids).toEqual(['a', 'c']));
    const fresh = await start();
    expect(fresh.registry.store.catalog.instances('user-service').map(({ id }) => id)).toEqual([
      'c',
    ]);
    const { instance } = await client.register(at('user-service', 'b', 5002));
    await eventually(() => expect(watch.ids).toEqual(['a', 'b', 'c']));
    // Its key was there before it, and what it is told of it is what etcd has.
    expect(instance).toEqual(watch.held.get('user-service/b'));
    await etcd.ctl('del', `${PREFIX}user-service/a`);
    await eventually(() => expect(watch.ids).toEqual(['b', 'c']));
    expect(registry.store.catalog.isStale).toBe(false);
  });

  it('leaves no lease behind when etcd refuses the record', async () => {
    const store = new EtcdStore({ endpoints: [etcd.endpoint] });
    cleanup.defer(() => store.close());
    const tooLarge = new Map([['label', 'x'.repeat(2_000_000)]]);
    await expect(store.register(describedInstance({ metadata: tooLarge }), 600)).rejects.toThrow(
      /too large/,
    );
    await eventually(async () => expect(await etcd.ctl('lease', 'list')).toMatch(/found 0 leases/));
  });

  it('works as two replicas over one etcd, either of which may go', async () => {
    const [one, two] = [await start(), await start()];
    const watch = follow(two.client);
    const { leaseId, revision } = await one.client.register(at('user-service', 'a'));
    await eventually(() => expect(watch.ids).toEqual(['a']), { withinMs: 1000 });
    await one.registry.close();
    expect(await ttlOf(two.client, leaseId)).toBe(10);
    // A watcher that comes over goes on where it was.
    const resumed = new WatchRecorder(two.client, { fromRevision: revision });
    cleanup.defer(() => resumed.stop());
    await two.client.deregister({ service: 'user-service', id: 'a', leaseId });
    await eventually(() => expect(resumed.revisions).toHaveLength(1));
    expect(resumed.messages.some(({ snapshot }) => snapshot)).toBe(false);
  });

  it('lets one of many replicas win when all register the same id at once', async () => {
    const replicas = await Promise.all([start(), start(), start()]);
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.allSettled(
        replicas.flatMap(({ client }, index) => [
          client.register({
            instance: {
              ...at(`service-${round}`, 'a', 6000 + index).instance,
              incarnation: `${index}`,
            },
          }),
        ]),
      );
      const won = outcomes.filter(({ status }) => status === 'fulfilled');
      expect(won).toHaveLength(1);
    }
    // And one for each replica. Those of who lost are given up in the background.
    await eventually(async () => expect(await etcd.ctl('lease', 'list')).toMatch(/found 8 leases/));
  });

  it('answers a watch that is ahead of this replica, and refuses the future', async () => {
    const { client } = await start();
    const { revision } = await client.register(at('user-service', 'a'));
    const watch = client.watch({ fromRevision: revision + 1_000_000n });
    expect(await failureOf(watch[Symbol.asyncIterator]().next())).toEqual({
      code: 'OUT_OF_RANGE',
      reason: 'FUTURE_REVISION',
    });
  });
});
