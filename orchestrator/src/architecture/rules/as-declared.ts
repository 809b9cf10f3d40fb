import type { NodeModel } from '../architecture.ts';
import { isDomainInterface } from '../interface-names.ts';
import type { Rule } from './rule.ts';

export const unknownService: Rule = {
  id: 'unknown-service',
  holds: 'weft.yaml names every service that has instances',
  isLive: true,
  check: ({ services, nodes }) =>
    services
      .filter(({ isDeclared }) => !isDeclared)
      .map(({ name }) => {
        const own = nodes.filter(({ service }) => service === name);
        const where = own.map(({ instance, address }) => `${instance} at ${address}`).join(', ');
        return {
          services: [name],
          message: `${name} has instances (${where}) and does not stand in weft.yaml: add it, or stop them`,
        };
      }),
};

const listed = (names: readonly string[]) => names.join(' and ') || 'nothing';

export const offersAsDeclared: Rule = {
  id: 'offers-differ',
  holds: 'instances offer what their service is to offer',
  isLive: true,
  check({ services, nodes }) {
    return services
      .filter(({ isDeclared }) => isDeclared)
      .flatMap(({ name, offers }) => {
        const wanted = listed(offers.toSorted());
        const differing = nodes.flatMap((node: NodeModel) => {
          if (node.service !== name || node.offers === undefined) return [];
          const really = listed(node.offers.filter(isDomainInterface).toSorted());
          return really === wanted ? [] : [{ really, instance: node.instance }];
        });
        return [...Map.groupBy(differing, ({ really }) => really)].map(([really, all]) => ({
          services: [name],
          message: `${all.map(({ instance }) => instance).join(', ')} of ${name} offers ${really}, where ${wanted} is declared`,
        }));
      });
  },
};

export const oneVersion: Rule = {
  id: 'mixed-versions',
  holds: 'all instances of a service are of one version',
  isLive: true,
  check: ({ nodes }) =>
    [...Map.groupBy(nodes, ({ service }) => service)].flatMap(([service, all]) => {
      const versions = [...new Set(all.map(({ version }) => version || 'none'))].sort();
      if (versions.length < 2) return [];
      return {
        services: [service],
        message: `instances of ${service} are of versions ${versions.join(' and ')}: finish the update, or scale the old ones away`,
      };
    }),
};
