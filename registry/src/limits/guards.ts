import type { ServerInterceptor } from '@grpc/grpc-js';
import type { RegistryCounters } from '../counters.ts';
import type { Store } from '../store/store.ts';
import { guardedWrites, type Writes } from './guarded-writes.ts';
import { InstanceLimit } from './instance-limit.ts';
import type { RegistryLimits } from './limits.ts';
import { MetadataLimit } from './metadata-limit.ts';
import { requestLimit } from './request-limit.ts';

/** What holds the limits of one registry, apart from that on watches, which the hub holds. */
export interface Guards {
  /** For the handlers. */
  readonly writes: Writes;
  /** For the server. */
  readonly interceptors: readonly ServerInterceptor[];
}

/** The guards of a registry; each counts what it refuses. */
export function createGuards(
  store: Store,
  limits: RegistryLimits,
  counters: RegistryCounters,
): Guards {
  const { refused } = counters;
  const counting = (kind: keyof typeof refused) => () => {
    refused[kind] += 1;
  };
  const perSecond = limits.maxRequestsPerSecond;
  const { maxInstancesPerService, maxMetadataBytes } = limits;
  const instances = new InstanceLimit(store.catalog, maxInstancesPerService, counting('instances'));
  const metadata = new MetadataLimit(maxMetadataBytes, counting('metadata'));
  return {
    writes: guardedWrites(store, { instances, metadata }, counters),
    interceptors:
      perSecond > 0 ? [requestLimit({ perSecond, onRefused: counting('requests') })] : [],
  };
}
