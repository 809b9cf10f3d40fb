import { HEALTH_INTERFACE } from '../interface-names.ts';
import type { Rule } from './rule.ts';

/** Autonomy, as far as it can be told without stopping anything. */
export const ownHealth: Rule = {
  id: 'own-health',
  holds: 'each service answers for its own health',
  check({ services, nodes }) {
    const foreign = services
      .filter(({ health, offers, name }) => ![...offers, '', name].includes(health))
      .map(({ name, health }) => ({
        services: [name],
        message: `the health check of ${name} asks for '${health}', which it does not offer: ask for what is its own, or leave \`health.service\` out`,
      }));
    const without = nodes.filter(
      ({ offers, service }) =>
        offers !== undefined &&
        !offers.includes(HEALTH_INTERFACE) &&
        services.some(({ name, isDeclared }) => name === service && isDeclared),
    );
    const silent = [...Map.groupBy(without, ({ service }) => service)].map(([service, all]) => ({
      services: [service],
      message: `${all.map(({ instance }) => instance).join(', ')} of ${service} offers no ${HEALTH_INTERFACE}: nobody can tell whether it is well`,
    }));
    return [...foreign, ...silent];
  },
};
