/** Where the mesh lives in etcd; the version changes with the layout of keys or values. */
export const SERVICES_PREFIX = '/weft/v1/services/';

/** The registries that share this etcd, `<replica id>` each. */
export const REGISTRIES_PREFIX = '/weft/v1/registries/';

/**
 * A UUID, written by whichever registry comes first: it names the history that this etcd's revisions
 * are of. An etcd that was wiped has none, or another.
 */
export const HISTORY_KEY = '/weft/v1/history';

/** `/weft/v1/services/<service>/<id>`; both are DNS labels, so neither holds a slash. */
export function instanceKey(service: string, id: string): string {
  return `${SERVICES_PREFIX}${service}/${id}`;
}

/** The service and id a key names; undefined for a key of any other form. */
export function parseInstanceKey(key: string): { service: string; id: string } | undefined {
  if (!key.startsWith(SERVICES_PREFIX)) return undefined;
  const [service, id, ...rest] = key.slice(SERVICES_PREFIX.length).split('/');
  if (!service || !id || rest.length > 0) return undefined;
  return { service, id };
}

/** The end of the range of keys that start with `prefix`: the first key after them. */
export function prefixEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  for (let index = end.length - 1; index >= 0; index -= 1) {
    const byte = end[index] ?? 0xff;
    if (byte < 0xff) {
      end[index] = byte + 1;
      return end.subarray(0, index + 1);
    }
  }
  return Buffer.from([0]);
}
