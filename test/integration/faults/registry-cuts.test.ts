import { expect, it } from '@jest/globals';
import { createTestEtcd } from '../../support/etcd.ts';
import { expectFaithful, looseLeases } from '../../support/etcd-history.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestRegistry } from '../../support/registry.ts';
import { RegistryStage, registrationOf, SERVICE } from '../../support/registry-stage.ts';
import { withoutStacks } from '../../support/stackless-errors.ts';
import { createTcpProxy, type Direction } from '../../support/tcp-proxy.ts';
import { describeWith } from '../../support/tools.ts';

withoutStacks();

/** Connections that are cut at once: a reconnect mostly waits. */
const LANES = 12;

/** `first` to `last`. */
function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Does it for each, in a few lanes at once. */
async function inLanes<Lane, T>(
  lanes: readonly Lane[],
  items: readonly T[],
  run: (lane: Lane, item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const work = async (lane: Lane) => {
    for (const item of rest) await run(lane, item);
  };
  await Promise.all(lanes.map(work));
}

it('a watch cut at every byte of what it answers: the client ends with the right set', async () => {
  await using stage = new RegistryStage();
  const registry = stage.use(await createTestRegistry());
  const client = stage.client(registry.address);
  await client.register(registrationOf('a'));
  const join = async (firstCut = Number.POSITIVE_INFINITY) => {
    const proxy = stage.use(await createTcpProxy(registry.address));
    proxy.cutAfter('toClient', firstCut);
    const mesh = stage.mesh(proxy.address);
    const seen = async () => {
      const { instances } = await mesh.discover(SERVICE);
      return instances.map(({ id, weight }) => `${id} ${weight}`).join();
    };
    // The first question may be answered that the registry cannot be had.
    await eventually(seen, { withinMs: 15_000 });
    return { proxy, seen };
  };
  const joined = [await join()];
  const [{ proxy }] = joined as [(typeof joined)[0]];
  const first = proxy.passed('toClient');
  // The first answer: HTTP/2's own words, the snapshot, the first mark.
  const firstCuts = range(1, first).filter((bytes) => bytes % 4 === 0);
  await inLanes(range(1, LANES), firstCuts, async (_, bytes) => {
    joined.push(await join(bytes));
  });
  const seenBy = async (those: typeof joined) => {
    return [...new Set(await Promise.all(those.map(({ seen }) => seen())))];
  };
  await eventually(async () => expect(await seenBy(joined)).toEqual(['a 1']));

  // A change is as long each time, but for a byte of its number.
  const before = proxy.passed('toClient');
  const weigh = (weight: number) => client.updateInstance({ service: SERVICE, id: 'a', weight });
  await weigh(2);
  const withinMs = 15_000;
  await eventually(async () => expect(await seenBy(joined)).toEqual(['a 2']), { withinMs });
  const change = proxy.passed('toClient') - before;
  expect(change).toBeGreaterThan(80);
  const lanes = joined.slice(0, 4 * LANES);
  for (let weight = 3, bytes = 1; bytes <= change; weight += 1) {
    for (const lane of lanes) {
      lane.proxy.cutAfter('toClient', bytes);
      bytes += 1;
    }
    await weigh(weight);
    await eventually(async () => expect(await seenBy(joined)).toEqual([`a ${weight}`]), {
      withinMs,
    });
  }
}, 60_000);

describeWith(['etcd', 'etcdctl'], 'a registration', () => {
  it('F23: cut at every byte, there or back: listed once, under one lease', async () => {
    await using stage = new RegistryStage();
    const etcd = stage.use(await createTestEtcd());
    const { client, address } = await stage.registry(etcd.endpoint);
    const watch = stage.follow(client);
    const connect = async () => {
      const proxy = stage.use(await createTcpProxy(address));
      return { proxy, client: stage.client(proxy.address) };
    };
    const lanes = await Promise.all(range(1, LANES).map(connect));
    const [probe] = lanes as [(typeof lanes)[0]];
    await probe.client.register(registrationOf('first'));
    const before = { toServer: 0, toClient: 0 };
    for (const way of Object.keys(before) as Direction[]) before[way] = probe.proxy.passed(way);
    await probe.client.register(registrationOf('r000-to'));
    const cuts = (Object.keys(before) as Direction[]).flatMap((direction) => {
      const length = probe.proxy.passed(direction) - before[direction];
      return range(1, length).map((bytes) => ({ direction, bytes }));
    });
    expect(cuts.length).toBeGreaterThan(200);
    let lost = 0;
    await inLanes(lanes, cuts, async (lane, { direction, bytes }) => {
      lane.proxy.cutAfter(direction, bytes);
      const registration = registrationOf(`r${bytes}-${direction.toLowerCase()}`);
      // As services do: the same again until it is answered.
      const answer = await eventually(
        () =>
          lane.client.register(registration).catch((error) => {
            lost += 1;
            throw error;
          }),
        { withinMs: 15_000 },
      );
      const { id } = registration.instance;
      expect(watch.held.get(`${SERVICE}/${id}`)?.leaseId ?? answer.leaseId).toBe(answer.leaseId);
    });
    expect(lost).toBeGreaterThan(cuts.length / 2);
    await expectFaithful(watch, etcd);
    expect(watch.held.size).toBe(cuts.length + 2);
    await eventually(async () => expect(await looseLeases(etcd)).toEqual([]));
  }, 60_000);
});
