import { describe, expect, it } from '@jest/globals';
import { ServingStatus } from '@weft/proto';
import { HealthDefinition } from '@weft/proto/health';
import { EventType, InstanceStatus, InstanceType } from '@weft/proto/registry';
import type { Registry } from '@weft/registry';
import { createChannel, createClient } from 'nice-grpc';
import { badFields, failureOf } from '../support/services.ts';
import { at, drain, RegistryHarness } from './registry-harness.ts';

const FUTURE = { code: 'OUT_OF_RANGE', reason: 'FUTURE_REVISION' };

/** What the rpcs that read must do over gRPC, whatever the store. */
export function describeReads(store: string, create: () => Promise<Registry>): void {
  describe(`weft.registry.v1.RegistryService on ${store}`, () => {
    const the = new RegistryHarness(create);

    it('is SERVING', async () => {
      const channel = createChannel(the.address);
      const health = createClient(HealthDefinition, channel);
      for (const service of ['', 'weft.registry.v1.RegistryService']) {
        expect((await health.check({ service })).status).toBe(ServingStatus.SERVING);
      }
      channel.close();
    });

    describe('reads', () => {
      it('page through services, and sum them up', async () => {
        the.next({ service: 'zz-one' });
        const names = ['zz-a', 'zz-a-b', 'zz-b'];
        for (const service of names) {
          await the.register({ service, id: 'a', version: '1' });
          await the.register({ service, id: 'b', version: '2', address: at(5001) });
        }
        await the.client.updateInstance({
          service: 'zz-b',
          id: 'b',
          status: InstanceStatus.INSTANCE_STATUS_ERROR,
        });
        const found = [];
        let pageToken = '';
        do {
          const page = await the.client.listServices({ pageSize: 2, pageToken });
          expect(page.services.length).toBeLessThanOrEqual(2);
          expect(page.stale).toBe(false);
          found.push(...page.services);
          pageToken = page.nextPageToken;
        } while (pageToken !== '');
        const all = found.map((service) => service.name);
        expect(all).toEqual([...new Set(all)].sort());
        expect(found.filter((service) => service.name.startsWith('zz-'))).toEqual([
          { name: 'zz-a', instanceCount: 2, runningCount: 2, versions: ['1', '2'] },
          { name: 'zz-a-b', instanceCount: 2, runningCount: 2, versions: ['1', '2'] },
          { name: 'zz-b', instanceCount: 2, runningCount: 1, versions: ['1', '2'] },
        ]);
      });

      it('page through instances in order, across services with a common beginning', async () => {
        const all = (await the.client.listInstances({ pageSize: 1000 })).instances;
        const found = [];
        let pageToken = '';
        do {
          const page = await the.client.listInstances({ pageSize: 3, pageToken });
          found.push(...page.instances);
          pageToken = page.nextPageToken;
        } while (pageToken !== '');
        expect(found).toEqual(all);
        const one = await the.client.listInstances({ service: 'zz-a' });
        expect(one.instances.map(({ service, id }) => `${service}/${id}`)).toEqual([
          'zz-a/a',
          'zz-a/b',
        ]);
      });

      it('filter', async () => {
        the.next();
        const status = InstanceStatus.INSTANCE_STATUS_STARTING;
        const type = InstanceType.INSTANCE_TYPE_WORKER;
        const metadata = new Map([
          ['team', 'a'],
          ['tier', 'x'],
        ]);
        await the.register({ id: 'a', status, type, version: 'v', zone: 'z', metadata });
        await the.register({ id: 'b', address: at(5001), metadata: new Map([['team', 'a']]) });
        const ids = async (filter: Parameters<typeof the.client.listInstances>[0]) => {
          const page = await the.client.listInstances({ service: the.service, ...filter });
          return page.instances.map(({ id }) => id).join();
        };
        expect(await ids({})).toBe('a,b');
        expect(await ids({ status })).toBe('a');
        expect(await ids({ type })).toBe('a');
        expect(await ids({ version: 'v' })).toBe('a');
        expect(await ids({ zone: 'z' })).toBe('a');
        expect(await ids({ metadata })).toBe('a');
        expect(await ids({ metadata: new Map([['team', 'a']]) })).toBe('a,b');
        expect(await ids({ metadata: new Map([['team', 'b']]) })).toBe('');
        expect(await ids({ service: 'nothing-there' })).toBe('');
      });

      it.each(['page_size', 'page_token'])('refuse a bad %s', async (field) => {
        const bad = field === 'page_size' ? { pageSize: 1001 } : { pageToken: 'garbage' };
        expect(await failureOf(the.client.listServices(bad))).toEqual(badFields(field));
        expect(await failureOf(the.client.listInstances(bad))).toEqual(badFields(field));
      });

      it('answer at the revision of a write, or later', async () => {
        the.next();
        const { modRevision: minRevision } = await the.register({ id: 'a' });
        const { service } = the;
        for (const read of [
          await the.client.getService({ service, minRevision }),
          await the.client.listInstances({ service, minRevision }),
        ]) {
          expect(read.instances.map(({ id }) => id)).toEqual(['a']);
          expect(read.revision).toBeGreaterThanOrEqual(minRevision);
        }
        const { services } = await the.client.listServices({ minRevision, pageSize: 1000 });
        expect(services.some(({ name }) => name === service)).toBe(true);
      });

      it('B19, B20: refuse a revision in the future, and a negative one', async () => {
        const { revision } = await the.client.listServices({});
        const reads = (minRevision: bigint) => [
          the.client.getService({ service: 'user', minRevision }),
          the.client.listServices({ minRevision }),
          the.client.listInstances({ minRevision }),
        ];
        const failures = (minRevision: bigint) => Promise.all(reads(minRevision).map(failureOf));
        expect(await failures(revision + 1000n)).toEqual([FUTURE, FUTURE, FUTURE]);
        const negative = badFields('min_revision');
        expect(await failures(-1n)).toEqual([negative, negative, negative]);
      });

      it('refuse a bad service name', async () => {
        for (const read of [the.client.getService, the.client.listInstances]) {
          expect(await failureOf(read({ service: 'A' }))).toEqual(badFields('service'));
        }
      });
    });

    describe('Watch', () => {
      it('brings a snapshot, then each change in order, of the services asked for', async () => {
        the.next();
        const service = the.service;
        const first = await the.register({ id: 'a' });
        const stop = new AbortController();
        const watch = the.client.watch({ services: [service] }, { signal: stop.signal });
        const messages = watch[Symbol.asyncIterator]();
        const opening = (await messages.next()).value;
        expect(opening?.snapshot?.instances).toEqual([first]);
        expect(opening?.stale).toBe(false);
        await the.register({ service: `${service}-x` });
        const second = await the.register({ id: 'b', address: at(5001) });
        await the.client.deregister({ service, id: 'a' });
        const events: [number, string | undefined][] = [];
        let revision = opening?.snapshot?.revision ?? 0n;
        while (events.length < 2) {
          const { value } = await messages.next();
          for (const event of value?.events?.events ?? []) {
            expect(event.revision).toBeGreaterThan(revision);
            revision = event.revision;
            events.push([event.type, event.instance?.id]);
          }
        }
        expect(events).toEqual([
          [EventType.EVENT_TYPE_PUT, 'b'],
          [EventType.EVENT_TYPE_DELETE, 'a'],
        ]);
        stop.abort();
        await expect(messages.next()).rejects.toThrow(/abort/i);

        const again = the.client.watch({ services: [service], fromRevision: second.modRevision });
        for await (const { snapshot, events: missed } of again) {
          expect(snapshot).toBeUndefined();
          expect(missed?.events.map((event) => event.type)).toEqual([EventType.EVENT_TYPE_DELETE]);
          break;
        }
      });

      it('answers a revision no longer held with a snapshot', async () => {
        for await (const { snapshot } of the.client.watch({ fromRevision: 0n })) {
          expect(snapshot?.instances).toHaveLength(await the.total());
          break;
        }
      });

      it('goes on in the history that a revision is of, and answers any other with a snapshot', async () => {
        await the.register({ id: 'a' });
        const first = async (what: Parameters<typeof the.client.watch>[0]) => {
          for await (const message of the.client.watch(what)) return message;
        };
        const { snapshot } = (await first({})) ?? {};
        const { history = '', revision = 0n } = snapshot ?? {};
        expect(history).not.toBe('');
        const goingOn = await first({ fromRevision: revision, history });
        expect(goingOn?.snapshot).toBeUndefined();
        // A store that was wiped may have come to the same revision, or not yet so far.
        for (const fromRevision of [revision, revision + 1000n]) {
          const anew = await first({ fromRevision, history: 'another' });
          expect(anew?.snapshot?.instances).toHaveLength(await the.total());
        }
      });

      const open = (what: Parameters<typeof the.client.watch>[0]) =>
        failureOf(drain(the.client.watch(what)));

      it('B19: refuses a revision in the future', async () => {
        const { revision } = await the.client.listServices({});
        expect(await open({ fromRevision: revision + 1000n })).toEqual(FUTURE);
      });

      it('B20: refuses a negative revision', async () => {
        expect(await open({ fromRevision: -1n })).toEqual(badFields('from_revision'));
      });

      it('refuses bad names and too many of them', async () => {
        expect(await open({ services: ['ok', 'Not'] })).toEqual(badFields('services[1]'));
        const many = Array.from({ length: 1001 }, (_, index) => `s${index}`);
        expect(await open({ services: many })).toEqual(badFields('services'));
      });
    });
  });
}
