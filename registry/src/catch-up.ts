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
 * Makes sure that the catalog is where the caller has been: another replica may have been ahead.
 * Without a revision there is nothing to wait for.
 * @throws UNAVAILABLE BEHIND when it does not come there within 2 s; STORE_UNAVAILABLE when the store
 *   is away meanwhile; OUT_OF_RANGE FUTURE_REVISION when nobody can have been there.
 */
export async function catchUp(store: Store, revision: bigint | undefined): Promise<void> {
  const { catalog } = store;
  if (revision === undefined || revision <= catalog.revision) return;
  if (await catalog.reached(revision, ON_ITS_WAY_MS)) return;
  await checkNotFuture(store, revision, '; leave it out, to start anew');
  if (await catalog.reached(revision, CATCH_UP_MS)) return;
  throw unavailable(`this registry has not come to revision ${revision} yet; try another one`, {
    reason: 'BEHIND',
  });
}
