import { describe, expect, it } from '@jest/globals';
import { InstanceStatus, InstanceType } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import { eventually } from '../support/eventually.ts';
import { badFields, failureOf } from '../support/services.ts';
import { at, drain, labels, RegistryHarness } from './registry-harness.ts';

/** What the rpcs that write must do over gRPC, whatever the store. */
export function describeWrites(store: string, create: () => Promise<Registry>): void {
  describe(`weft.registry.v1.RegistryService on ${store}`, () => {
    const the = new RegistryHarness(create);

    describe('Register', () => {
      it('fills in the defaults and answers the lease', async () => {
        the.next();
        const before = Date.now();
        const answer = await the.client.register({
          instance: { service: the.service, address: at(5000), leaseId: 5n, modRevision: 9n },
        });
        const { instance } = answer;
        expect(instance).toMatchObject({
          type: InstanceType.INSTANCE_TYPE_API,
          status: InstanceStatus.INSTANCE_STATUS_RUNNING,
          weight: 1,
          ttlSeconds: 10,
          leaseId: answer.leaseId,
          modRevision: answer.revision,
        });
        expect(instance?.id).toMatch(/^[0-9a-f-]{36}$/);
        expect(instance?.incarnation).toMatch(/^[0-9a-f-]{36}$/);
        expect(instance?.startTime?.getTime()).toBeGreaterThanOrEqual(before);
        expect(answer.leaseId).not.toBe(5n);
        const { instances, revision } = await the.client.getService({ service: the.service });
        expect(instances).toEqual([instance]);
        expect(revision).toBeGreaterThanOrEqual(answer.revision);
      });

      it('is idempotent for an incarnation', async () => {
        const first = await the.client.register(the.next({ incarnation: 'one' }));
        const again = await the.client.register(the.request({ incarnation: 'one' }));
        expect(again).toEqual({ ...first, revision: again.revision });
      });

      it('B16: replaces an older incarnation at its address, and refuses one elsewhere', async () => {
        the.next();
        const first = await the.register({ incarnation: 'one' });
        const second = await the.register({ incarnation: 'two' });
        expect(second.leaseId).not.toBe(first.leaseId);
        const elsewhere = the.request({ incarnation: 'three', address: at(5001) });
        expect(await failureOf(the.client.register(elsewhere))).toEqual({
          code: 'ALREADY_EXISTS',
          reason: 'INSTANCE_EXISTS',
        });
        expect((await the.client.getService({ service: the.service })).instances).toEqual([second]);
      });

      it('B11, B14, B23: keeps weight 0, metadata with any key and an unknown type', async () => {
        the.next();
        const metadata = new Map([
          ['__proto__', 'a'],
          ['constructor', 'b'],
        ]);
        const type = 42 as InstanceType;
        const instance = await the.register({ metadata, weight: 0, type });
        expect(instance).toMatchObject({ weight: 0, type });
        expect(new Map(instance.metadata)).toEqual(metadata);
      });

      it('refuses what is wrong, naming each field, and stores nothing', async () => {
        const before = await the.total();
        const bad = { ...the.next({ service: '', weight: -1 }), ttlSeconds: 1 };
        expect(await failureOf(the.client.register(bad))).toEqual(
          badFields('ttl_seconds', 'instance.service', 'instance.weight'),
        );
        expect(await the.total()).toBe(before);
      });

      it('B25: refuses a message over 4 MiB and lives', async () => {
        const before = await the.total();
        const huge = the.next({ metadata: labels(5, 'x'.repeat(1_000_000)) });
        expect((await failureOf(the.client.register(huge))).code).toBe('RESOURCE_EXHAUSTED');
        expect(await the.total()).toBe(before);
      });
    });

    describe('KeepAlive', () => {
      it('B17: renews many leases per message, and answers 0 for unknown ones', async () => {
        the.next();
        const first = await the.register({ id: 'a' });
        const second = await the.register({ id: 'b' });
        const requests = async function* () {
          yield { leaseIds: [first.leaseId, 1n, second.leaseId] };
          yield { leaseIds: [second.leaseId] };
        };
        const answers = [];
        for await (const { leases } of the.client.keepAlive(requests())) answers.push(leases);
        const status = (leaseId: bigint, ttlSeconds: number) => ({ leaseId, ttlSeconds });
        expect(answers).toEqual([
          [status(first.leaseId, 10), status(1n, 0), status(second.leaseId, 10)],
          [status(second.leaseId, 10)],
        ]);
      });

      it.each([0, 1001])('refuses %d leases in a message', async (size) => {
        const requests = async function* () {
          yield { leaseIds: Array.from({ length: size }, () => 1n) };
        };
        const answers = drain(the.client.keepAlive(requests()));
        expect(await failureOf(answers)).toEqual(badFields('lease_ids'));
      });
    });

    describe('UpdateInstance', () => {
      it('changes what is given', async () => {
        the.next();
        const { service, id, leaseId } = await the.register({ metadata: labels(1) });
        const status = InstanceStatus.INSTANCE_STATUS_STOPPING;
        const first = await the.client.updateInstance({ service, id, leaseId, status });
        expect(first.instance).toMatchObject({ status, weight: 1, modRevision: first.revision });
        expect(first.instance?.metadata.size).toBe(1);
        const metadata = { metadata: new Map() };
        const second = await the.client.updateInstance({ service, id, weight: 5, metadata });
        expect(second.instance).toMatchObject({ status, weight: 5, leaseId });
        expect(second.instance?.metadata.size).toBe(0);
        const read = await the.client.getService({ service });
        expect(read.instances).toEqual([second.instance]);
      });

      it('refuses who is not there, another lease, and bad values; nothing is stored', async () => {
        the.next();
        const service = the.service;
        expect(await failureOf(the.client.updateInstance({ service, id: 'a' }))).toEqual({
          code: 'NOT_FOUND',
          reason: 'INSTANCE_NOT_FOUND',
        });
        const instance = await the.register();
        const of = { service, id: 'a' };
        expect(
          await failureOf(the.client.updateInstance({ ...of, leaseId: 1n, weight: 2 })),
        ).toEqual({
          code: 'ABORTED',
          reason: 'LEASE_MISMATCH',
        });
        const bad = { service: '', id: '', status: 0 as const, weight: -1 };
        const metadata = { metadata: labels(65) };
        expect(await failureOf(the.client.updateInstance({ ...bad, metadata }))).toEqual(
          badFields('service', 'id', 'status', 'weight', 'metadata.metadata'),
        );
        for (const status of [99, -1] as InstanceStatus[]) {
          const unknown = the.client.updateInstance({ ...of, status });
          expect(await failureOf(unknown)).toEqual(badFields('status'));
        }
        expect((await the.client.getService({ service })).instances).toEqual([instance]);
      });
    });

    describe('Deregister', () => {
      it('removes once, only under the right lease', async () => {
        the.next();
        const { service, id, leaseId } = await the.register();
        expect(await the.client.deregister({ service, id, leaseId: 1n })).toMatchObject({
          removed: false,
        });
        expect(await the.client.deregister({ service, id, leaseId })).toMatchObject({
          removed: true,
        });
        expect(await the.client.deregister({ service, id, leaseId })).toMatchObject({
          removed: false,
        });
        expect(await failureOf(the.client.getService({ service }))).toEqual({
          code: 'NOT_FOUND',
          reason: 'SERVICE_NOT_FOUND',
        });
      });

      it('refuses bad names', async () => {
        expect(await failureOf(the.client.deregister({ service: '..', id: '' }))).toEqual(
          badFields('service', 'id'),
        );
      });
    });

    it('lists nothing of a lease that ended', async () => {
      the.next();
      await the.client.register({ ...the.request(), ttlSeconds: 2 });
      await eventually(
        async () => {
          const { instances } = await the.client.listInstances({ service: the.service });
          expect(instances).toEqual([]);
        },
        { withinMs: 6000, everyMs: 100 },
      );
    });
  });
}
