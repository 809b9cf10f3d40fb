import { setImmediate as turn } from 'node:timers/promises';
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

const gone = (instance: ReturnType<typeof storedInstance>, revision: bigint) => ({
  ...put(instance, revision),
  type: EventType.EVENT_TYPE_DELETE,
});

/** A catalog whose events go into a book, and the leases that were asked about. */
function follow(isAlive: (leaseId: bigint) => Promise<boolean> = async () => false) {
  const catalog = new Catalog();
  const book = new EventBook();
  const asked: bigint[] = [];
  const isLeaseAlive = (leaseId: bigint) => {
    asked.push(leaseId);
    return isAlive(leaseId);
  };
  const stop = followCatalog({ catalog, isLeaseAlive }, book);
  const told = () =>
    book.after(0n).map(({ kind, instanceId, detail }) => [kind, instanceId, detail]);
  return { catalog, book, asked, stop, told };
}

it('writes down what changes, against what was before, but for the first fill', async () => {
  const { catalog, book, stop, told } = follow();
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
  await turn();
  expect(told()).toEqual([
    [EventKind.EVENT_KIND_UPDATED, 'a', 'weight 5'],
    [EventKind.EVENT_KIND_DRAINING, 'a', 'RUNNING -> STOPPING'],
    [EventKind.EVENT_KIND_DEREGISTERED, 'a', ''],
    [EventKind.EVENT_KIND_EXPIRED, 'b', 'lease 0000000000000008 ended'],
  ]);

  stop();
  catalog.apply([put(instance, 9n)]);
  expect(book.latest).toBe(4n);
});

it('tells a key that was deleted from a lease that ended, and keeps the order of events', async () => {
  const answers = new Map<bigint, PromiseWithResolvers<boolean>>();
  const { catalog, asked, told } = follow((leaseId) => {
    const answer = Promise.withResolvers<boolean>();
    answers.set(leaseId, answer);
    return answer.promise;
  });
  const ids = ['a', 'b', 'c', 'd'];
  const all = ids.map((id, index) => storedInstance({ id, leaseId: BigInt(index + 1) }));
  const [a, b, c, d] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0], (typeof all)[0]];
  catalog.replace(all, 1n);
  catalog.apply([gone(a, 2n)]);
  // One revision is one action of someone: one answer tells for all of it.
  catalog.apply([gone(b, 3n), gone(c, 3n)]);
  catalog.apply([put({ ...d, weight: 7 }, 4n)]);
  catalog.apply([gone(d, 5n)]);
  await turn();
  expect(told()).toEqual([]);
  answers.get(2n)?.resolve(true);
  answers.get(1n)?.resolve(false);
  await turn();
  answers.get(2n)?.resolve(true);
  await turn();
  answers.get(4n)?.reject(new Error('the store is away'));
  await turn();
  expect(told()).toEqual([
    [EventKind.EVENT_KIND_EXPIRED, 'a', 'lease 0000000000000001 ended'],
    [EventKind.EVENT_KIND_KEY_DELETED, 'b', 'its key was deleted; lease 0000000000000002 lives'],
    [EventKind.EVENT_KIND_KEY_DELETED, 'c', 'its key was deleted; lease 0000000000000003 lives'],
    [EventKind.EVENT_KIND_UPDATED, 'd', 'weight 7'],
    [EventKind.EVENT_KIND_EXPIRED, 'd', 'lease 0000000000000004 ended'],
  ]);
  expect(asked).toEqual([1n, 2n, 4n]);
});

it('asks about few leases when many instances are lost at once', async () => {
  const { catalog, asked, book } = follow(async () => true);
  const all = Array.from({ length: 1000 }, (_, index) =>
    storedInstance({ id: `i-${index}`, leaseId: BigInt(index + 1) }),
  );
  catalog.replace(all, 1n);
  for (const [index, instance] of all.entries()) catalog.apply([gone(instance, BigInt(index + 2))]);
  for (let turns = 0; turns < 200 && book.latest < 1000n; turns += 1) await turn();
  expect(book.latest).toBe(1000n);
  expect(asked.length).toBeLessThanOrEqual(100);
  expect(asked.length).toBeGreaterThan(0);
});
