import { domainOf } from '../interface-names.ts';
import type { Rule } from './rule.ts';

/** Single responsibility. Interfaces of one package, in one version or several, are one domain. */
export const singleResponsibility: Rule = {
  id: 'single-responsibility',
  holds: 'each service offers the interfaces of exactly one domain',
  check: ({ services }) =>
    services
      .filter(({ isDeclared, isGrpc, offers }) => isDeclared && (isGrpc || offers.length > 0))
      .flatMap(({ name, offers }) => {
        const domains = new Set(offers.map(domainOf));
        if (domains.size === 1) return [];
        const message =
          offers.length === 0
            ? `${name} offers no domain interface: no contract goes by its name; say in \`offers\` what it does`
            : `${name} offers interfaces of ${domains.size} domains, ${offers.join(' and ')}: split it`;
        return { services: [name], message };
      }),
};

export const interfaceShared: Rule = {
  id: 'interface-shared',
  holds: 'no interface is offered by two services',
  check: ({ interfaces }) =>
    interfaces
      .filter(({ providers }) => providers.length > 1)
      .map(({ name, providers }) => ({
        services: providers,
        message: `${name} is offered by ${providers.join(' and ')}: who calls it cannot tell whom to ask`,
      })),
};

export const interfaceUndescribed: Rule = {
  id: 'interface-undescribed',
  holds: 'a contract describes each interface that is offered',
  check: ({ interfaces }) =>
    interfaces
      .filter(({ isDescribed }) => !isDescribed)
      .map(({ name, providers }) => ({
        services: providers,
        message: `${providers.join(' and ')} offers ${name}, which no contract describes: name the compiled contracts in \`contracts\``,
      })),
};

export const interfaceUnoffered: Rule = {
  id: 'interface-unoffered',
  holds: 'each domain interface of the contracts is offered',
  check: ({ interfaces }) =>
    interfaces
      .filter(({ providers }) => providers.length === 0)
      .map(({ name }) => ({
        services: [],
        message: `nobody offers ${name}, which the contracts describe`,
      })),
};
