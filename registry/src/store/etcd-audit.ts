import type { Catalog } from './catalog.ts';
import { instanceKey } from './etcd-keys.ts';

interface KeyAt {
  key: string;
  modRevision: bigint;
}

/**
 * Compares the keys in etcd with what a catalog holds (and what its reader skipped). Answers each
 * difference as `key@revision` or `key@deleted`. One may be a change under way: only a difference
 * found again later is one that was missed.
 */
export function differences(
  listed: readonly KeyAt[],
  catalog: Catalog,
  skipped: ReadonlyMap<string, bigint>,
): Set<string> {
  const held = new Map<string, bigint>();
  for (const service of catalog.services) {
    for (const { id, modRevision } of catalog.instances(service)) {
      held.set(instanceKey(service, id), modRevision);
    }
  }
  // Of a skipped value the catalog holds the last good one, of an earlier revision.
  for (const [key, modRevision] of skipped) held.set(key, modRevision);
  const found = new Set<string>();
  for (const { key, modRevision } of listed) {
    if (held.get(key) !== modRevision) found.add(`${key}@${modRevision}`);
    held.delete(key);
  }
  for (const key of held.keys()) found.add(`${key}@deleted`);
  return found;
}
