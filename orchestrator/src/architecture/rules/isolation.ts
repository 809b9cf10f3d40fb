import type { Architecture, StoreModel } from '../architecture.ts';
import { type Overlap, overlapOf } from '../store-location.ts';
import type { Breach, Rule } from './rule.ts';

const WORDS = { same: 'is', inside: 'lies inside', around: 'is around' } as const;

function overlap(one: StoreModel['location'], other: StoreModel['location']): Overlap {
  return one && other && overlapOf(one, other);
}

function sharing(one: StoreModel, others: readonly StoreModel[]): Breach[] {
  return others.flatMap((other) => {
    const how = one.service === other.service ? undefined : overlap(one.location, other.location);
    if (how === undefined) return [];
    return {
      services: [one.service, other.service],
      message: `${one.service} and ${other.service} share data: '${one.name}' ${WORDS[how]} '${other.name}'; give each a store of its own`,
    };
  });
}

/** At most one breach for two services, however much they share. */
function perPair(breaches: readonly Breach[]): Breach[] {
  const pairs = Map.groupBy(breaches, ({ services }) => services.toSorted().join(' '));
  return [...pairs.values()].flatMap(([first]) => first ?? []);
}

/** Data isolation. */
export const dataIsolation: Rule = {
  id: 'data-isolation',
  holds: 'no two services share a store',
  check: ({ stores }) =>
    perPair(stores.flatMap((store, index) => sharing(store, stores.slice(index + 1)))),
};

function foreignStores({ configuration, stores }: Architecture): Breach[] {
  return configuration.flatMap(({ service, name, locations }) => {
    const isOwn = (place: (typeof locations)[number]) =>
      stores.some((store) => store.service === service && overlap(place, store.location));
    const names = (store: StoreModel) =>
      locations.some(
        (place) =>
          ['same', 'inside'].includes(overlap(place, store.location) ?? '') && !isOwn(place),
      );
    return stores
      .filter((store) => store.service !== service && names(store))
      .map((store) => ({
        services: [service, store.service],
        message: `${name} of ${service} names '${store.name}', a store of ${store.service}: ask ${store.service} instead`,
      }));
  });
}

export const foreignStore: Rule = {
  id: 'foreign-store',
  holds: 'no service is told where the store of another is',
  check: (architecture) => perPair(foreignStores(architecture)),
};
