import { FieldChecks, notFound, pause } from '@weft/proto';
import type {
  RegistryServiceImplementation,
  WatchDrainRequest,
  WatchDrainResponse,
} from '@weft/proto/registry';
import { checkNotFuture } from '../catch-up.ts';
import { checkService } from '../instance-rules.ts';
import type { ReplicaList } from '../store/replica-list.ts';
import type { Store } from '../store/store.ts';
import { type DrainBook, RETURN_MS } from './drain-book.ts';
import { PeerDrains } from './peer-drains.ts';

/** Holders told in one message. */
const MAX_TOLD = 100;
/** Watches that a replica may ask about, at most. */
const MAX_LOST = 10_000;
/** Changes within this time are told together, in ms; the end of a drain waits no longer. */
const TOGETHER_MS = 10;
/** How often a drain is looked at without any news, in ms: the catalog may advance without an event. */
const LOOK_MS = 200;

type Handlers = Pick<RegistryServiceImplementation, 'acknowledge' | 'watchDrain'>;

export interface DrainOptions {
  store: Store;
  book: DrainBook;
  replicas: ReplicaList;
  /** Id of this replica. */
  replicaId: string;
  /** Streams end when it aborts. */
  closing: AbortSignal;
}

/** Waits for the next `ring`, at most `LOOK_MS`, and a moment more for those that come with it. */
function createBell(signal: AbortSignal) {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    async rings(): Promise<void> {
      await pause(LOOK_MS, AbortSignal.any([signal, rung.signal]));
      await pause(TOGETHER_MS, signal);
      rung = new AbortController();
    },
  };
}

/** The rpcs by which an instance that leaves learns when no client calls it any more. */
export function drainHandlers(options: DrainOptions): Handlers {
  const { store, book, replicas, replicaId, closing } = options;
  const { catalog } = store;
  const startedAtMs = performance.now();
  /**
   * This replica as a holder, if it cannot know all clients that route by something older than `revision`:
   * clients that come to it now would still be sent what was before; there may be replicas that are not listed;
   * or clients of an earlier process, or of a replica that left, may know the instance and have yet to return.
   */
  const whileUnsure = (revision: bigint, thisReplicaOnly: boolean, listedAtMs: number) => {
    const lostClientsAtMs = thisReplicaOnly ? [startedAtMs] : [startedAtMs, replicas.leftAtMs];
    const mayReturn = lostClientsAtMs.some((atMs) => {
      return atMs >= listedAtMs && performance.now() - atMs < RETURN_MS;
    });
    const knowsOthers = thisReplicaOnly || !replicas.isInDoubt;
    if (catalog.revision >= revision && knowsOthers && !mayReturn) return [];
    const address = replicas.live.find(({ id }) => id === replicaId)?.address ?? '';
    return [{ client: `registry ${address}`, revision: catalog.revision, watchId: '' }];
  };
  return {
    async acknowledge({ watchId, revision, closed }) {
      const isKnown = closed ? book.closed(watchId) : book.acknowledge(watchId, revision);
      if (!isKnown) throw notFound('watch', watchId);
      return {};
    },

    async *watchDrain(request, context) {
      const { service, revision, thisReplicaOnly, listedMs } = request;
      checkRequest(request);
      const receivedAtMs = performance.now();
      const listedAtMs = listedMs > 0n ? receivedAtMs - Number(listedMs) : -Infinity;
      // No client can route by a revision that does not exist yet: the drain would never end.
      await checkNotFuture(store, revision);
      // A replica that has joined since the last look may have clients too.
      if (!thisReplicaOnly) await store.refreshReplicas();
      const ended = AbortSignal.any([context.signal, closing]);
      const bell = createBell(ended);
      const unsubscribe = book.subscribe(bell.ring);
      const asked = { service, revision, listedAtMs, replicas, selfId: replicaId };
      const peers = thisReplicaOnly ? undefined : new PeerDrains({ ...asked, onChange: bell.ring });
      try {
        let told = '';
        while (!ended.aborted) {
          // Before this replica is there itself, none of its clients can be.
          if (catalog.revision >= revision) book.ask(service, revision);
          const lostWatchIds = book.lost(service, revision);
          const allLost = [...lostWatchIds, ...(peers?.lostWatchIds ?? [])];
          peers?.lookFor(allLost.slice(0, MAX_LOST));
          const openElsewhere = peers?.openWatchIds;
          const isBack = (watchId: string) =>
            book.isOpen(watchId) || openElsewhere?.has(watchId) === true;
          const own = [
            ...whileUnsure(revision, thisReplicaOnly, listedAtMs),
            ...book.holders(service, revision, isBack),
          ];
          const others = peers?.holders(isBack) ?? { holders: [], count: 0 };
          const answer: WatchDrainResponse = {
            holders: [...own, ...others.holders].slice(0, MAX_TOLD),
            holderCount: own.length + others.count,
            lostWatchIds: thisReplicaOnly ? lostWatchIds : [],
            openWatchIds: request.lostWatchIds.filter((watchId) => book.isOpen(watchId)),
          };
          const text = textOf(answer);
          if (text !== told || answer.holderCount === 0) yield answer;
          told = text;
          if (answer.holderCount === 0) return;
          await bell.rings();
        }
      } finally {
        peers?.close();
        unsubscribe();
      }
    },
  };
}

/** @throws INVALID_ARGUMENT */
function checkRequest({ service, revision, listedMs, lostWatchIds }: WatchDrainRequest): void {
  const checks = new FieldChecks();
  checkService(checks, 'service', service);
  checks.check(revision > 0n, 'revision', 'must be the revision at which the instance left');
  checks.check(listedMs >= 0n, 'listed_ms', 'must be 0 or more');
  const areFew = lostWatchIds.length <= MAX_LOST;
  checks.check(areFew, 'lost_watch_ids', `must be at most ${MAX_LOST}`);
  checks.throwIfAny();
}

/** A text that is equal for answers with the same content. */
function textOf({ holders, lostWatchIds, openWatchIds }: WatchDrainResponse): string {
  const named = holders.map(({ client, revision }) => `${client} ${revision}`);
  return [...named, '', ...lostWatchIds, '', ...openWatchIds].join('\n');
}
