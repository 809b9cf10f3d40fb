import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { RegisterResponse } from '@weft/proto/registry';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { createRegistryClient, createTestRegistry } from '../support/registry.ts';
import { startRegistry } from '../support/registry-process.ts';
import { failureOf } from '../support/services.ts';
import { describeWith } from '../support/tools.ts';

const TTL_SECONDS = 2;
const SERVICES = '/weft/v1/services/';
const REGISTRIES = '/weft/v1/registries/';

function without(leases: ReadonlySet<bigint>, others: Iterable<bigint>): Set<bigint> {
  const left = new Set(leases);
  for (const lease of others) left.delete(lease);
  return left;
}

const median = (values: number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const request = (id: string, { incarnation = `run-of-${id}`, ttlSeconds = TTL_SECONDS } = {}) => ({
  instance: { service: 'crowd', id, address: { host: '127.0.0.1', port: 5000 }, incarnation },
  ttlSeconds,
  skipCallback: true,
});

describeWith(['etcd', 'etcdctl'], 'leases in etcd', () => {
  let cleanup: AsyncDisposableStack;
  let etcd: TestEtcd;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    etcd = await createTestEtcd();
    cleanup.defer(() => etcd.close());
  });
  afterEach(() => cleanup.disposeAsync());

  async function start() {
    const registry = await createTestRegistry({ etcd: etcd.endpoint });
    cleanup.defer(() => registry.close());
    return connect(registry.address);
  }

  function connect(address: string) {
    const { client, close } = createRegistryClient(address);
    cleanup.defer(close);
    return client;
  }

  /** The lease of each key, by the last part of its name. */
  async function leaseOfEach(prefix = SERVICES): Promise<Map<string, bigint>> {
    const json = await etcd.ctl('get', '--prefix', prefix, '-w', 'json');
    // Leases are larger than what JSON.parse keeps exact.
    const found = json.matchAll(/"key":"([^"]+)"[^}]*"lease":(\d+)/g);
    return new Map(
      [...found].map(([, key = '', lease = '']) => {
        const id = Buffer.from(key, 'base64').toString().split('/').at(-1) ?? '';
        return [id, BigInt(lease)];
      }),
    );
  }

  /** The leases there are, besides those that the registries live by themselves. */
  async function leases(): Promise<Set<bigint>> {
    const [, ...lines] = (await etcd.ctl('lease', 'list')).trim().split('\n');
    const all = new Set(lines.map((line) => BigInt(`0x${line}`)));
    return without(all, (await leaseOfEach(REGISTRIES)).values());
  }

  async function orphans(): Promise<Set<bigint>> {
    // Leases first: what is granted in between has no say.
    const granted = await leases();
    return without(granted, (await leaseOfEach()).values());
  }

  it('F23: are one for each instance, and none without, after a registry was killed amid registrations', async () => {
    const process = startRegistry({ flags: ['--port', '0', '--etcd', etcd.endpoint] });
    cleanup.defer(() => process.end());
    const doomed = connect(await process.ready());
    const other = await start();
    const answered = new Map<string, RegisterResponse>();
    const lost: string[] = [];
    let isOver = false;
    let count = 0;
    const register = async () => {
      while (!isOver) {
        const id = `i${count++}`;
        const answer = await doomed.register(request(id)).catch(() => undefined);
        if (answer === undefined) lost.push(id);
        else answered.set(id, answer);
      }
    };
    const load = Promise.all(Array.from({ length: 100 }, register));
    await eventually(() => expect(answered.size).toBeGreaterThan(200), { withinMs: 15_000 });
    // Frozen between a grant and a put, more likely at once than later: that is when it is to die.
    await eventually(
      async () => {
        process.child.kill('SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, 100));
        if ((await orphans()).size > 0) return;
        process.child.kill('SIGCONT');
        throw new Error('every lease that was granted has its key');
      },
      { withinMs: 15_000, everyMs: 30 },
    );
    isOver = true;
    await process.end();
    const killedAt = performance.now();
    await load;
    expect(lost.length).toBeGreaterThan(0);
    const before = await leaseOfEach();
    const unanswered = lost.filter((id) => before.has(id));

    const registrations = lost.map((id) => request(id, { ttlSeconds: 60 }));
    const { results } = await other.registerMany({ registrations });
    expect(results.map(({ registered }) => registered?.instance?.id)).toEqual(lost);
    const again = new Map(lost.map((id, index) => [id, results[index]?.registered?.leaseId]));
    // Listed, and nobody told: the retry gets the lease there is, unless that has ended by itself.
    const live = await leases();
    for (const id of unanswered) {
      const lease = before.get(id);
      if (live.has(lease ?? 0n)) expect(again.get(id)).toBe(lease);
    }
    await eventually(async () => expect(await orphans()).toEqual(new Set()), { withinMs: 10_000 });
    expect(performance.now() - killedAt).toBeLessThan(TTL_SECONDS * 1000 + 3000);
    // What the killed one had listed ends too, as nobody renews it; what was registered anew stays.
    const anew = new Set(lost.filter((id) => again.get(id) !== before.get(id)));
    await eventually(async () => {
      const listed = await leaseOfEach();
      expect(new Set(listed.keys())).toEqual(anew);
      for (const [id, lease] of listed) expect(lease).toBe(again.get(id));
      expect((await leases()).size).toBe(anew.size);
    });
    // It waits for a process, for leases to end, and for both on a machine with much else to do.
  }, 60_000);

  it('F24: an old incarnation that wakes up can neither remove nor change the new one', async () => {
    const [one, other] = [await start(), await start()];
    const old = await one.register(request('a', { incarnation: 'old', ttlSeconds: 60 }));
    const young = await other.register(request('a', { incarnation: 'new', ttlSeconds: 60 }));
    expect(young.leaseId).not.toBe(old.leaseId);
    const reference = { service: 'crowd', id: 'a', leaseId: old.leaseId };
    for (const client of [one, other]) {
      expect((await client.deregister(reference)).removed).toBe(false);
      expect(await failureOf(client.updateInstance({ ...reference, weight: 0 }))).toEqual({
        code: 'ABORTED',
        reason: 'LEASE_MISMATCH',
      });
    }
    expect(await leaseOfEach()).toEqual(new Map([['a', young.leaseId]]));
    await eventually(async () => {
      expect(await leases()).toEqual(new Set([young.leaseId]));
    });
    expect((await one.getService({ service: 'crowd' })).instances).toEqual([young.instance]);
  });

  it('are given back with the instance, and taken once however often it registers', async () => {
    const client = await start();
    const ids = Array.from({ length: 50 }, (_, index) => `i${index}`);
    const registrations = ids.map((id) => request(id, { ttlSeconds: 60 }));
    // All at once, thrice: the same incarnations.
    const rounds = await Promise.all([1, 2, 3].map(() => client.registerMany({ registrations })));
    const [first = [], ...others] = rounds.map(({ results }) =>
      results.map(({ registered }) => registered?.leaseId),
    );
    for (const round of others) expect(round).toEqual(first);
    await eventually(async () => expect((await leases()).size).toBe(50));
    await Promise.all(ids.map((id) => client.deregister({ service: 'crowd', id })));
    await eventually(async () => expect((await leases()).size).toBe(0));
  });

  it('F18: are renewed before anything is registered while etcd is slow', async () => {
    const client = await start();
    const few = ['x', 'y', 'z'].map((id) => request(id));
    const { results } = await client.registerMany({ registrations: few });
    const leaseIds = results.map(({ registered }) => registered?.leaseId ?? 0n);
    // It runs a third of the time.
    const slow = setInterval(() => {
      etcd.pause();
      setTimeout(() => etcd.resume(), 60);
    }, 90);
    cleanup.defer(async () => {
      clearInterval(slow);
      await new Promise((resolve) => setTimeout(resolve, 100));
      etcd.resume();
    });
    const registrations: number[] = [];
    let isOver = false;
    const crowd = Array.from({ length: 200 }, async (_, each) => {
      for (let turn = 0; !isOver; turn += 1) {
        const sent = performance.now();
        await client.register(request(`i${each}-${turn}`, { ttlSeconds: 60 })).catch(() => {});
        registrations.push(performance.now() - sent);
      }
    });
    const renewals: number[] = [];
    const end = performance.now() + 2.5 * TTL_SECONDS * 1000;
    while (performance.now() < end) {
      const sent = performance.now();
      for await (const { leases: left } of client.keepAlive(
        (async function* () {
          yield { leaseIds };
        })(),
      )) {
        expect(left.map(({ ttlSeconds }) => ttlSeconds)).toEqual([2, 2, 2]);
      }
      renewals.push(performance.now() - sent);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    isOver = true;
    await Promise.all(crowd);
    expect(registrations.length).toBeGreaterThan(100);
    expect(median(renewals)).toBeLessThan(median(registrations));
  });
});
