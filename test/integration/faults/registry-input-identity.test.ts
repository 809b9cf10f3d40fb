import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { at, drain } from '../../contract/registry-harness.ts';
import { InputStage, valid } from '../../support/registry-input.ts';
import { describeWith } from '../../support/tools.ts';

describeWith(['etcd', 'etcdctl'], 'who says to be whom at the registry', () => {
  let stage: InputStage;

  beforeAll(async () => {
    stage = await InputStage.start();
    await stage.client.register(valid({ incarnation: 'one' }));
  });

  afterAll(() => stage.close());

  it('B16: a known id at another address is refused unless its incarnation is the same', async () => {
    const { client } = stage;
    const elsewhere = { address: at(5001) };
    await stage.refuses(
      { code: 'ALREADY_EXISTS', reason: 'INSTANCE_EXISTS' },
      () => client.register(valid({ ...elsewhere, incarnation: 'two' })),
      () => client.register(valid(elsewhere)),
      () => client.register(valid({ address: { host: '127.0.0.2', port: 5000 } })),
    );
    await client.register(valid({ ...elsewhere, incarnation: 'one' }));
    const { instances } = await client.getService({ service: 'shop' });
    expect(instances).toMatchObject([{ id: 'a', incarnation: 'one', address: at(5001) }]);
  });

  it('B16: an update or a removal under the lease of another changes nothing', async () => {
    const { client } = stage;
    const [of, leaseId] = [{ service: 'shop', id: 'a' }, 7n];
    const failure = { code: 'ABORTED', reason: 'LEASE_MISMATCH' };
    await stage.refuses(failure, () => client.updateInstance({ ...of, leaseId, weight: 9 }));
    const before = await stage.stored();
    expect(await client.deregister({ ...of, leaseId })).toMatchObject({ removed: false });
    expect(await stage.stored()).toEqual(before);
  });

  it.each([1n, 0n, -1n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n])(
    'B17: a renewal of lease %d, which nobody has, is answered TTL 0 beside those that are renewed',
    async (unknown) => {
      const { client } = stage;
      const before = await stage.stored();
      const { instances } = await client.getService({ service: 'seed' });
      const leaseId = instances[0]?.leaseId ?? 0n;
      const requests = async function* () {
        yield { leaseIds: [unknown, leaseId] };
        yield { leaseIds: [unknown] };
      };
      const answers = await drain(client.keepAlive(requests()));
      expect(answers.map(({ leases }) => leases)).toEqual([
        [
          { leaseId: unknown, ttlSeconds: 0 },
          { leaseId, ttlSeconds: 3600 },
        ],
        [{ leaseId: unknown, ttlSeconds: 0 }],
      ]);
      expect(await stage.stored()).toEqual(before);
    },
  );
});
