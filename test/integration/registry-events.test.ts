import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Event, EventKind, TelemetryServiceDefinition } from '@weft/proto/telemetry';
import { createChannel, createClient } from 'nice-grpc';
import { instancesTable } from '../../orchestrator/src/output/instances-table.ts';
import { createTestEtcd, type TestEtcd } from '../support/etcd.ts';
import { eventually } from '../support/eventually.ts';
import { RegistryStage, registrationOf } from '../support/registry-stage.ts';
import { describeWith } from '../support/tools.ts';
import { runWeftHere } from '../support/weft-here.ts';

const KEYS = '/weft/v1/services';

describeWith(['etcd', 'etcdctl'], 'the events of a registry on etcd', () => {
  let etcd: TestEtcd;

  beforeAll(async () => {
    etcd = await createTestEtcd();
  });
  afterAll(() => etcd.close());

  it('D5: tell a key deleted by hand from a lease that ended, with lease ids as etcdctl prints them', async () => {
    await using stage = new RegistryStage();
    const { client, address } = await stage.registry(etcd.endpoint);
    const channel = createChannel(address);
    stage.defer(() => channel.close());
    const telemetry = createClient(TelemetryServiceDefinition, channel);
    const read = async () => {
      const events: Event[] = [];
      for await (const message of telemetry.watchEvents({ last: 1000, noFollow: true })) {
        events.push(...message.events);
      }
      return events;
    };
    const register = async (id: string, service: string, ttlSeconds = 600) => {
      const { instance, leaseId } = await client.register(
        registrationOf(id, { service, ttlSeconds }),
      );
      return { instance, lease: leaseId.toString(16).padStart(16, '0') };
    };
    const deleted = await register('deleted', 'one');
    const revoked = await register('revoked', 'one');
    const expired = await register('expired', 'one', 2);
    const swept = [await register('a', 'two'), await register('b', 'two')];
    await etcd.ctl('del', `${KEYS}/one/deleted`);
    await etcd.ctl('lease', 'revoke', revoked.lease);
    await etcd.ctl('del', '--prefix', `${KEYS}/two/`);
    // An instance that comes back is listed after its departure, in this order.
    await register('deleted', 'one');
    const { EVENT_KIND_REGISTERED, EVENT_KIND_EXPIRED, EVENT_KIND_KEY_DELETED } = EventKind;
    const lives = (lease: string) => `its key was deleted; lease ${lease} lives`;
    await eventually(
      async () => {
        const told = (await read()).map(({ kind, instanceId, detail }) => {
          return kind === EVENT_KIND_REGISTERED ? instanceId : [kind, instanceId, detail];
        });
        expect(told).toEqual([
          ...['deleted', 'revoked', 'expired', 'a', 'b'],
          [EVENT_KIND_KEY_DELETED, 'deleted', lives(deleted.lease)],
          [EVENT_KIND_EXPIRED, 'revoked', `lease ${revoked.lease} ended`],
          [EVENT_KIND_KEY_DELETED, 'a', lives(swept[0]?.lease ?? '')],
          [EVENT_KIND_KEY_DELETED, 'b', lives(swept[1]?.lease ?? '')],
          'deleted',
          [EVENT_KIND_EXPIRED, 'expired', `lease ${expired.lease} ended`],
        ]);
      },
      { withinMs: 10_000 },
    );
    const { stdout } = await runWeftHere(['events', '--registry', address, '-n', '100'], '.');
    expect(stdout).toMatch(`KEY_DELETED          one/deleted  ${lives(deleted.lease)}`);
    const instances = [deleted.instance].filter((instance) => instance !== undefined);
    const table = instancesTable(instances, { isColored: false });
    expect(table).toContain(` ${deleted.lease} `);
  });
});
