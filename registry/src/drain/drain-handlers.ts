import { FieldChecks, notFound, pause } from '@weft/proto';
import type { DrainHolder, RegistryServiceImplementation } from '@weft/proto/registry';
import { checkNotFuture } from '../catch-up.ts';
import { checkService } from '../instance-rules.ts';
import type { ReplicaList } from '../store/replica-list.ts';
import type { Store } from '../store/store.ts';
import type { DrainBook } from './drain-book.ts';
import { PeerDrains } from './peer-drains.ts';

/** Holders told in one message. */
const MAX_TOLD = 100;
/** Changes within this time are told together, in ms; the end of a drain waits no longer. */
const TOGETHER_MS = 10;
/** How often a drain is looked at without any news, in ms: the catalog comes on silently. */
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

/** The rpcs by which an instance leaves knowing that nobody calls it any more. */
export function drainHandlers({
  store,
  book,
  replicas,
  replicaId,
  closing,
}: DrainOptions): Handlers {
  const { catalog } = store;
  /**
   * Clients that come to this replica now would still be told what was before; or there may be replicas
   * with clients that this one has yet to know again.
   */
  const whileUnsure = (revision: bigint, thisReplicaOnly: boolean): DrainHolder[] => {
    const knowsOthers = thisReplicaOnly || !replicas.isInDoubt;
    if (catalog.revision >= revision && knowsOthers) return [];
    const address = replicas.live.find(({ id }) => id === replicaId)?.address ?? '';
    return [{ client: `registry ${address}`, revision: catalog.revision }];
  };
  return {
    async acknowledge({ watchId, revision }) {
      if (!book.acknowledge(watchId, revision)) throw notFound('watch', watchId);
      return {};
    },

    async *watchDrain({ service, revision, thisReplicaOnly }, context) {
      const checks = new FieldChecks();
      checkService(checks, 'service', service);
      checks.check(revision > 0n, 'revision', 'must be the revision at which the instance left');
      checks.throwIfAny();
      // By one in the future nobody will ever route.
      await checkNotFuture(store, revision);
      // One that has joined since the last look has clients too.
      if (!thisReplicaOnly) await store.refreshReplicas();
      const ended = AbortSignal.any([context.signal, closing]);
      const bell = createBell(ended);
      const unsubscribe = book.subscribe(bell.ring);
      const peers = thisReplicaOnly
        ? undefined
        : new PeerDrains({ service, revision, replicas, selfId: replicaId, onChange: bell.ring });
      try {
        let told = '';
        while (!ended.aborted) {
          // Before this replica is there itself, none of its clients can be.
          if (catalog.revision >= revision) book.ask(service, revision, performance.now());
          const own = [
            ...whileUnsure(revision, thisReplicaOnly),
            ...book.holders(service, revision),
          ];
          const holders = [...own, ...(peers?.holders ?? [])].slice(0, MAX_TOLD);
          const holderCount = own.length + (peers?.count ?? 0);
          const text = holders.map((each) => `${each.client} ${each.revision}`).join('\n');
          if (text !== told || holderCount === 0) yield { holders, holderCount };
          told = text;
          if (holderCount === 0) return;
          await bell.rings();
        }
      } finally {
        peers?.close();
        unsubscribe();
      }
    },
  };
}
