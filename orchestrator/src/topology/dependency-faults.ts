import { unknownName } from '@weft/proto';
import { type Dependent, findCycle } from './dependency-levels.ts';

/** A dependency that nothing can start by. */
export type DependencyFault =
  | {
      readonly kind: 'unknown';
      readonly service: string;
      /** Where it stands in the list of the service. */
      readonly index: number;
      readonly message: string;
    }
  | {
      readonly kind: 'cycle';
      /** The names along it, the first repeated at the end. */
      readonly names: readonly string[];
      readonly message: string;
    };

/** Dependencies on nobody, and a cycle if there is one. */
export function dependencyFaults(services: readonly Dependent[]): DependencyFault[] {
  const known = services.map(({ name }) => name);
  const unknown = services.flatMap(({ name, dependencies }) =>
    dependencies.flatMap((dependency, index): DependencyFault[] => {
      if (known.includes(dependency)) return [];
      const message = `'${dependency}' ${unknownName('service here', dependency, known)}`;
      return [{ kind: 'unknown', service: name, index, message }];
    }),
  );
  const names = findCycle(services);
  if (names === undefined) return unknown;
  const message = `form a cycle, so none can start first: ${names.join(' -> ')}`;
  return [...unknown, { kind: 'cycle', names, message }];
}
