import { Counter, Gauge, type Registry } from 'prom-client';
import type { RegistryCounters } from '../counters.ts';
import type { Store } from '../store/store.ts';
import type { WatchHub } from '../watch-hub.ts';

export interface MeasuredRegistry {
  readonly store: Pick<Store, 'catalog' | 'stats'>;
  readonly hub: Pick<WatchHub, 'size' | 'stats'>;
  readonly counters: RegistryCounters;
}

type Label = Record<string, string>;

/** Adds the metrics of a registry; each is read only when it is asked for. */
export function addRegistryMetrics(register: Registry, measured: MeasuredRegistry): void {
  const { store, hub, counters } = measured;
  const { catalog, stats } = store;
  const registers = [register];

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `weft_registry_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  const counter = (name: string, help: string, read: () => [value: number, label?: Label][]) => {
    const labelNames = Object.keys(read()[0]?.[1] ?? {});
    return new Counter({
      name: `weft_registry_${name}_total`,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const [value, label = {}] of read()) this.inc(label, value);
      },
    });
  };

  gauge('instances', 'Instances listed.', () => catalog.size);
  gauge('services', 'Services with an instance.', () => catalog.services.length);
  gauge('watchers', 'Watches open.', () => hub.size);
  gauge('revision', 'Revision that answers are of.', () => Number(catalog.revision));
  gauge('stale', '1 while answers may be behind the store.', () => Number(catalog.isStale));
  const isUp = () => Number(catalog.isComplete && !catalog.isStale);
  gauge('store_up', '1 while the store answers and what it holds is known.', isUp);

  counter('writes', 'Writes done, by kind.', () =>
    Object.entries(counters.writes).map(([kind, count]) => [count, { kind }]),
  );
  counter('keepalives', 'Leases asked to be renewed, by outcome.', () => [
    [counters.renewals, { outcome: 'renewed' }],
    [counters.lostLeases, { outcome: 'lost' }],
  ]);
  counter('limit_refusals', 'Requests refused, by limit.', () => {
    const refused = { ...counters.refused, watches: hub.stats.refused };
    return Object.entries(refused).map(([limit, count]) => [count, { limit }]);
  });
  counter('watches_cut_off', 'Watches cut off for not reading.', () => [[hub.stats.cutOff]]);
  counter('store_watches', 'Watches of the store begun.', () => [[stats.watches]]);
  counter('relists', 'Lists of the whole store.', () => [[stats.relists]]);
  counter('compactions', 'Times the store no longer held what was missed.', () => [
    [stats.compactions],
  ]);
  counter('differences', 'Keys found to differ from what was known.', () => [[stats.differences]]);
  counter('skipped_values', 'Values in the store that are no instance.', () => [
    [stats.skippedValues],
  ]);
}
