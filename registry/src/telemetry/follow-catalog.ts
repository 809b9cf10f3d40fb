import { EventType } from '@weft/proto/registry';
import type { CatalogChanges } from '../store/catalog.ts';
import type { Store } from '../store/store.ts';
import type { EventBook } from './event-book.ts';
import { instanceEvent, isServing } from './instance-events.ts';

/**
 * Leases asked about within a second. If more instances are lost, their leases are taken to have
 * ended.
 */
const MOST_ASKED = 50;
const ASK_MS = 1000;

/**
 * Writes every change of a store's catalog into the book, except for the first fill. If an instance
 * is lost while it serves, the store is asked whether its lease still lives. Later events wait for
 * the answer, so that they stay in order.
 * @returns a function that ends it
 */
export function followCatalog(
  store: Pick<Store, 'catalog' | 'isLeaseAlive'>,
  book: EventBook,
): () => void {
  let asked = 0;
  let askedSinceMs = 0;
  let waiting = 0;
  let last = Promise.resolve();

  const isAlive = async (leaseId: bigint): Promise<boolean> => {
    const nowMs = performance.now();
    if (nowMs - askedSinceMs >= ASK_MS) {
      askedSinceMs = nowMs;
      asked = 0;
    }
    asked += 1;
    if (asked > MOST_ASKED) return false;
    return store.isLeaseAlive(leaseId).catch(() => false);
  };

  const write = ({ events, before }: CatalogChanges, time: Date, alive: ReadonlySet<bigint>) => {
    const told = events.map((event, index) => {
      const isKeyDeleted = alive.has(event.revision);
      return instanceEvent(before[index], event, time, { isKeyDeleted });
    });
    book.add(told);
  };

  return store.catalog.subscribe((notice) => {
    if (notice.kind === 'stale') return;
    // One revision is one action: a lease that ended, or a command that deleted keys. One answer
    // will do.
    const answers = new Map<bigint, Promise<boolean>>();
    for (const { type, instance, revision } of notice.events) {
      const isLost = type === EventType.EVENT_TYPE_DELETE && isServing(instance);
      if (isLost && !answers.has(revision)) answers.set(revision, isAlive(instance.leaseId));
    }
    const time = new Date();
    if (answers.size === 0 && waiting === 0) {
      write(notice, time, new Set());
      return;
    }
    waiting += 1;
    last = last.then(async () => {
      const alive = new Set<bigint>();
      for (const [revision, answer] of answers) if (await answer) alive.add(revision);
      write(notice, time, alive);
      waiting -= 1;
    });
  });
}
