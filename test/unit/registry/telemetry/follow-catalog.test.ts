import { expect, it } from '@jest/globals';
import { EventType, InstanceStatus } from '@weft/proto/registry';
import { EventKind } from '@weft/proto/telemetry';
import { Catalog } from '../../../../registry/src/store/catalog.ts';
import { EventBook } from '../../../../registry/src/telemetry/event-book.ts';
import { followCatalog } from '../../../../registry/src/telemetry/follow-catalog.ts';
import { storedInstance } from '../fixtures.ts';

const put = (instance: ReturnType<typeof storedInstance>, revision: bigint) => ({
  type: EventType.EVENT_TYPE_PUT,
  instance,
  revision,
});

it('writes down what changes, against what was before, but for the first fill', () => {
  const catalog = new Catalog();
  const book = new EventBook();
  const stop = followCatalog(catalog, book);
  const instance = storedInstance();
  catalog.replace([instance, storedInstance({ id: 'b', leaseId: 8n })], 1n);
  catalog.setStale(false);
  expect(book.latest).toBe(0n);

  const stopping = { ...instance, status: InstanceStatus.INSTANCE_STATUS_STOPPING };
  const heavier = { ...instance, weight: 5, modRevision: 2n };
  // Two changes of one instance in one notice: each is held against the one before it.
  catalog.apply([put(heavier, 2n), put({ ...stopping, weight: 5 }, 3n)]);
  // A store that began anew.
  catalog.replace([], 1n, 'another');
  expect(book.after(0n).map(({ kind, instanceId, detail }) => [kind, instanceId, detail])).toEqual([
    [EventKind.EVENT_KIND_UPDATED, 'a', 'weight 5'],
    [EventKind.EVENT_KIND_DRAINING, 'a', 'RUNNING -> STOPPING'],
    [EventKind.EVENT_KIND_DEREGISTERED, 'a', ''],
    [EventKind.EVENT_KIND_EXPIRED, 'b', 'lease 8 ended'],
  ]);

  stop();
  catalog.apply([put(instance, 9n)]);
  expect(book.latest).toBe(4n);
});
