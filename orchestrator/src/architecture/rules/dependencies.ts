import { type DependencyFault, dependencyFaults } from '../../topology/dependency-faults.ts';
import type { Architecture, CallModel } from '../architecture.ts';
import type { Rule } from './rule.ts';

function faultsOf<Kind extends DependencyFault['kind']>(
  { services }: Architecture,
  kind: Kind,
): Extract<DependencyFault, { kind: Kind }>[] {
  return dependencyFaults(services.filter(({ isDeclared }) => isDeclared)).filter(
    (fault): fault is Extract<DependencyFault, { kind: Kind }> => fault.kind === kind,
  );
}

export const unknownDependency: Rule = {
  id: 'unknown-dependency',
  holds: 'each dependency is a service of weft.yaml',
  check: (architecture) =>
    faultsOf(architecture, 'unknown').map(({ service, message }) => ({
      services: [service],
      message: `${service} depends on nobody: ${message}`,
    })),
};

export const dependencyCycle: Rule = {
  id: 'dependency-cycle',
  holds: 'no service depends on itself, be it by way of others',
  check: (architecture) =>
    faultsOf(architecture, 'cycle').map(({ names, message }) => ({
      services: names.slice(0, -1),
      message: `dependencies ${message}`,
    })),
};

function howKnown(calls: readonly CallModel[]): string {
  const interfaces = calls
    .filter(({ sources }) => sources.includes('observed'))
    .map((call) => call.interface);
  const isListed = calls.some(({ sources }) => sources.includes('listed'));
  return [
    ...(interfaces.length > 0 ? [`calls it for ${interfaces.join(' and ')}`] : []),
    ...(isListed ? ['lists it when it registers'] : []),
  ].join(' and ');
}

export const undeclaredDependency: Rule = {
  id: 'undeclared-dependency',
  holds: 'weft.yaml names every dependency that there is',
  check({ services, map }) {
    return services
      .filter(({ isDeclared }) => isDeclared)
      .flatMap(({ name, dependencies }) => {
        const hidden = map.filter(
          ({ caller, provider }) =>
            caller === name && provider !== name && !dependencies.includes(provider),
        );
        return [...Map.groupBy(hidden, ({ provider }) => provider)].map(([provider, calls]) => ({
          services: [name, provider],
          message: `${name} depends on ${provider}, which weft.yaml does not say: it ${howKnown(calls)}; add it to \`dependencies\``,
        }));
      });
  },
};
