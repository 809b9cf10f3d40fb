import type { Architecture } from '../architecture/architecture.ts';

/** The six sets for programs, without what is only there to compare places. */
export function architectureJson(architecture: Architecture): object {
  return {
    ...architecture,
    stores: architecture.stores.map(({ location: _, ...store }) => store),
    configuration: architecture.configuration.map(({ locations: _, ...setting }) => setting),
  };
}
