import type { Catalog } from './catalog.ts';
import { instanceKey, parseInstanceKey } from './etcd-keys.ts';
import type { StoredInstance } from './stored-instance.ts';

/** Keys in etcd as they were at a revision; one of the pages of a list. */
interface ListedKeys {
  readonly revision: bigint;
  readonly keyValues: readonly { key: string; modRevision: bigint }[];
}

/** What was found, and the revision it was found at. */
export interface Audit {
  /** `key@revision` or `key@deleted`. */
  readonly found: ReadonlySet<string>;
  readonly revision: bigint;
}

/**
 * Compares the keys in etcd with what a catalog holds (and what its reader skipped), page by page. What
 * the catalog knows of later than the list is no difference; what it does not know yet may be a change
 * under way: only a difference found again later is one that was missed.
 */
export async function differences(
  pages: AsyncIterable<ListedKeys>,
  catalog: Catalog,
  skipped: ReadonlyMap<string, bigint>,
): Promise<Audit> {
  const found = new Set<string>();
  const listed = new Set<StoredInstance>();
  const left = new Set(skipped.keys());
  let at = 0n;
  for await (const { revision, keyValues } of pages) {
    at = revision;
    for (const { key, modRevision } of keyValues) {
      const named = parseInstanceKey(key);
      const instance = named && catalog.get(named.service, named.id);
      if (instance !== undefined) listed.add(instance);
      left.delete(key);
      // Of a skipped value the catalog holds the last good one, of an earlier revision.
      const held = skipped.get(key) ?? instance?.modRevision;
      if (held !== modRevision && (held ?? 0n) <= revision) found.add(`${key}@${modRevision}`);
    }
  }
  for (const key of left) found.add(`${key}@deleted`);
  for (const service of catalog.services) {
    for (const instance of catalog.instances(service)) {
      if (listed.has(instance) || instance.modRevision > at) continue;
      found.add(`${instanceKey(service, instance.id)}@deleted`);
    }
  }
  return { found, revision: at };
}
