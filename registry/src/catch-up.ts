import { type FieldChecks, outOfRange, unavailable } from '@weft/proto';
import { toStatusError } from './errors.ts';
import type { Store } from './store/store.ts';

/** How long a call waits for this replica to come to a revision that another one has told. */
const CATCH_UP_MS = 2000;
/** How long the change alone is waited for, before the store is asked whether there is such a one. */
const ON_ITS_WAY_MS = 100;

export function checkRevision(checks: FieldChecks, field: string, revision?: bigint): void {
  checks.check((revision ?? 0n) >= 0n, field, 'must not be negative');
}

/** @throws OUT_OF_RANGE FUTURE_REVISION for one that the store has not come to, with what to do then */
export async function checkNotFuture(store: Store, revision: bigint, advice = ''): Promise<void> {
  if (revision <= store.catalog.revision) return;
  const latest = await store.latestRevision().catch((error) => {
    throw toStatusError(error);
  });
  if (revision <= latest) return;
  throw outOfRange(`revision ${revision} is in the future: the latest is ${latest}${advice}`, {
    reason: 'FUTURE_REVISION',
    metadata: { latest_revision: `${latest}` },
  });
}

/**
 * Makes sure that the catalog can be read, and is where the caller has been: another replica may have
 * been ahead, or this one may have just begun to read its store. Who has been nowhere does not wait.
 * @param history of the store that the revision is of; empty: of the one that is read here
 * @returns the revision; undefined when it is of another history, so that it says nothing here
 * @throws UNAVAILABLE NOT_READY when nothing was read yet, BEHIND when it does not come to the revision
 *   within 2 s, STORE_UNAVAILABLE when the store is away meanwhile; OUT_OF_RANGE FUTURE_REVISION when
 *   nobody can have been there.
 */
export async function readable(
  store: Store,
  revision: bigint | undefined,
  history = '',
): Promise<bigint | undefined> {
  const { catalog } = store;
  // A thousand clients that come back to a registry which has just started would else keep it from
  // starting, by asking again and again. What was read is at some revision, whichever it is.
  if (!catalog.isComplete && revision !== undefined) await catalog.reached(1n, CATCH_UP_MS);
  if (!catalog.isComplete) {
    throw unavailable('this registry has yet to read its store; try another one, or later', {
      reason: 'NOT_READY',
    });
  }
  const known = () => (history === '' || history === catalog.history ? revision : undefined);
  await catchUp(store, known());
  return known();
}

async function catchUp(store: Store, revision: bigint | undefined): Promise<void> {
  const { catalog } = store;
  if (revision === undefined || revision <= catalog.revision) return;
  if (await catalog.reached(revision, ON_ITS_WAY_MS)) return;
  await checkNotFuture(store, revision, '; leave it out, to start anew');
  if (await catalog.reached(revision, CATCH_UP_MS)) return;
  throw unavailable(`this registry has not come to revision ${revision} yet; try another one`, {
    reason: 'BEHIND',
  });
}
