import type { MetricSet, ReadMetric } from '@weft/proto/metrics';
import type { RegistryCounters } from '../counters.ts';
import type { Store } from '../store/store.ts';
import type { WatchHub } from '../watch-hub.ts';

export interface MeasuredRegistry {
  readonly store: Pick<Store, 'catalog' | 'stats'>;
  readonly hub: Pick<WatchHub, 'size' | 'stats'>;
  readonly counters: RegistryCounters;
}

/** Adds the metrics of a registry. */
export function addRegistryMetrics(set: MetricSet, measured: MeasuredRegistry): void {
  const { store, hub, counters } = measured;
  const { catalog, stats } = store;
  const gauge = (name: string, help: string, read: () => number) =>
    set.gauge(`weft_registry_${name}`, help, read);
  const counter = (name: string, help: string, read: ReadMetric) =>
    set.counter(`weft_registry_${name}_total`, help, read);
  const byLabel = (label: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([key, value]) => ({ value, labels: { [label]: key } }));

  gauge('instances', 'Instances listed.', () => catalog.size);
  gauge('services', 'Services with an instance.', () => catalog.services.length);
  gauge('watchers', 'Watches open.', () => hub.size);
  gauge('revision', 'Revision that answers are of.', () => Number(catalog.revision));
  gauge('stale', '1 while answers may be behind the store.', () => Number(catalog.isStale));
  const isUp = () => Number(catalog.isComplete && !catalog.isStale);
  gauge('store_up', '1 while the store answers and what it holds is known.', isUp);

  counter('writes', 'Writes done, by kind.', () => byLabel('kind', counters.writes));
  counter('keepalives', 'Leases asked to be renewed, by outcome.', () =>
    byLabel('outcome', { renewed: counters.renewals, lost: counters.lostLeases }),
  );
  counter('limit_refusals', 'Requests refused, by limit.', () =>
    byLabel('limit', { ...counters.refused, watches: hub.stats.refused }),
  );
  counter('watches_cut_off', 'Watches cut off for not reading.', () => hub.stats.cutOff);
  counter('store_watches', 'Watches of the store begun.', () => stats.watches);
  counter('relists', 'Lists of the whole store.', () => stats.relists);
  counter(
    'compactions',
    'Times the store no longer held what was missed.',
    () => stats.compactions,
  );
  counter('differences', 'Keys found to differ from what was known.', () => stats.differences);
  counter('skipped_values', 'Values in the store that are no instance.', () => stats.skippedValues);
}
