import type { RegistryCounters } from '../counters.ts';
import type { Store } from '../store/store.ts';
import type { InstanceLimit } from './instance-limit.ts';
import type { MetadataLimit } from './metadata-limit.ts';

/** What changes a store, and keeps what is in it alive. */
export type Writes = Pick<Store, 'register' | 'keepAlive' | 'update' | 'deregister'>;

export interface WriteGuards {
  readonly instances: InstanceLimit;
  readonly metadata: MetadataLimit;
}

/** The writes of a store within limits, and counted; whichever rpc asks for them, and whichever store it is. */
export function guardedWrites(
  store: Writes,
  { instances, metadata }: WriteGuards,
  counters: RegistryCounters,
): Writes {
  return {
    async register(description, ttlSeconds) {
      metadata.check('instance.metadata', description.metadata);
      using _admitted = instances.admit(description.service, description.id);
      const written = await store.register(description, ttlSeconds);
      counters.writes.register += 1;
      return written;
    },

    async keepAlive(leaseIds) {
      const seconds = await store.keepAlive(leaseIds);
      const lost = seconds.filter((left) => left === 0).length;
      counters.lostLeases += lost;
      counters.renewals += seconds.length - lost;
      return seconds;
    },

    async update(reference, change) {
      if (change.metadata !== undefined) metadata.check('metadata.metadata', change.metadata);
      const written = await store.update(reference, change);
      counters.writes.update += 1;
      return written;
    },

    async deregister(reference) {
      const answer = await store.deregister(reference);
      counters.writes.deregister += 1;
      return answer;
    },
  };
}
