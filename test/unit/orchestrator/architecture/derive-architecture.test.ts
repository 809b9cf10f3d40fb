import { describe, expect, it } from '@jest/globals';
import type { DescribedService } from '@weft/proto';
import { deriveArchitecture } from '../../../../orchestrator/src/architecture/derive-architecture.ts';
import type { LiveFacts } from '../../../../orchestrator/src/architecture/live-facts.ts';
import { findingsOf } from '../../../../orchestrator/src/architecture/rules/index.ts';
import { verifyArchitecture } from '../../../../orchestrator/src/architecture/verify-architecture.ts';
import { meshFolder } from '../../../../orchestrator/src/mesh-folder.ts';
import { architectureJson } from '../../../../orchestrator/src/output/architecture-json.ts';
import { architectureTables } from '../../../../orchestrator/src/output/architecture-tables.ts';
import { rulesReport, ruleVerdicts } from '../../../../orchestrator/src/output/rules-report.ts';
import { parseArchitecture } from '../../../../orchestrator/src/topology/parse-topology.ts';

const SHOP = `services:
  user-service: { command: node user.js, port: 4001, instances: 2 }
  order-service: { command: node order.js, dependencies: [user-service] }
  payment-service: { command: node payment.js, dependencies: [order-service] }
`;

function verify(text: string, live?: LiveFacts) {
  const topology = parseArchitecture(text, '/shop/weft.yaml');
  return verifyArchitecture(topology, meshFolder('/shop/.weft'), live);
}

const rules = (text: string) => verify(text).findings.map(({ rule }) => rule);

describe('the architecture of weft.yaml', () => {
  it('has services that speak no gRPC, of which no interface is expected', () => {
    const program = (type: string) =>
      `  pages: { command: run, register: true, health: { type: ${type} } }\n`;
    expect(rules(`${SHOP}${program('grpc')}`)).toEqual(['single-responsibility']);
    for (const type of ['http', 'tcp', 'none']) {
      expect(rules(`${SHOP}${program(type)}`)).toEqual([]);
    }
  });

  it('is six sets', () => {
    const { architecture, findings } = verify(SHOP);
    expect(findings).toEqual([]);
    expect(architecture.services.map(({ name, offers }) => [name, offers])).toEqual([
      ['user-service', ['user.v1.UserService']],
      ['order-service', ['order.v1.OrderService']],
      ['payment-service', ['payment.v1.PaymentService']],
    ]);
    expect(architecture.interfaces[2]).toEqual({
      name: 'user.v1.UserService',
      methods: ['CreateUser', 'GetUser', 'ListUsers'],
      isDescribed: true,
      providers: ['user-service'],
    });
    expect(architecture.stores[0]).toMatchObject({
      service: 'user-service',
      name: '.weft/data/user-service',
      isDataFolder: true,
    });
    expect(architecture.configuration[0]).toMatchObject({
      service: 'user-service',
      name: 'command',
      value: 'node user.js',
    });
    expect(architecture.nodes.map(({ instance, address }) => [instance, address])).toEqual([
      ['user-service-1', '127.0.0.1:4001'],
      ['user-service-2', '127.0.0.1:4002'],
      ['order-service-1', '127.0.0.1:any'],
      ['payment-service-1', '127.0.0.1:any'],
    ]);
    expect(architecture.map[0]).toEqual({
      caller: 'order-service',
      interface: 'user.v1.UserService',
      provider: 'user-service',
      sources: ['declared'],
    });
  });

  it('tells of M how each part of it is known, and of N what is up', () => {
    const call = { interface: 'user.v1.UserService', provider: 'user-service' };
    const instance = {
      service: 'order-service',
      id: 'order-1',
      address: '10.0.0.1:1',
      version: '',
      dependencies: ['user-service'],
    };
    const { architecture } = verify(SHOP, {
      instances: [instance],
      calls: [{ caller: 'order-service', ...call }],
    });
    expect(architecture.map[0]?.sources).toEqual(['declared', 'listed', 'observed']);
    expect(architecture.nodes).toEqual([
      expect.objectContaining({ instance: 'order-1', address: '10.0.0.1:1', isLive: true }),
    ]);
  });

  it('does not give secrets away', () => {
    const text = `${SHOP}
  pay-service:
    command: node pay.js
    offers: [payment.v1.PaymentService]
    stores: ['postgres://ann:hunter2@db/pay?password=hunter3&x=1']
    environment: { DB: 'mysql://bob:hunter4@db/x', API_KEY: hunter5, PLAIN: seen }
  thief-service:
    command: node thief.js --db=postgres://eve:hunter6@db/pay --password hunter7 --token=hunter8 --quiet`;
    const { architecture, findings } = verify(text);
    const shown = [
      JSON.stringify(architectureJson(architecture)),
      JSON.stringify(findings),
      architectureTables(architecture, false),
    ].join('\n');
    expect(findings.map(({ rule }) => rule)).toContain('foreign-store');
    expect(shown).not.toMatch(/hunter|ann:|bob:|eve:/);
    expect(shown).toContain('postgres://***@db/pay?password=***&x=1');
    expect(shown).toContain('seen');
    expect(shown).toContain('db/pay --password *** --token=*** --quiet');
  });

  it('says what cannot be read of the contracts', () => {
    expect(() => verify(`contracts: [nowhere.binpb]\n${SHOP}`)).toThrow(
      /cannot read `contracts` of \/shop\/weft\.yaml: .*ENOENT.*nowhere\.binpb.*buf build/,
    );
  });
});

describe('a store of another', () => {
  const withEnvironment = (environment: object, stores: string[] = []) =>
    rules(`services:
  user-service: { command: a, stores: [data/users.db, 'redis://cache/1'] }
  order-service:
    command: [node, order.js, '--log=log']
    stores: ${JSON.stringify(stores)}
    environment: ${JSON.stringify(environment)}
  payment-service: { command: c }`);

  it.each([
    { DB: 'data/users.db' },
    { DB: '/shop/data/users.db-wal,data/users.db' },
    { OPTIONS: '--db=./data/users.db --verbose' },
    { CACHE: 'redis://me@cache:6379/1' },
    { FOLDER: '.weft/data/user-service' },
    { FILE: '.weft/data/user-service/x' },
  ])('is named in %j', (environment) => {
    expect(withEnvironment(environment)).toEqual(['foreign-store']);
  });

  it.each([{ DB: 'data/orders.db' }, { FOLDER: '.' }, { CACHE: 'redis://cache/2' }, { N: 1 }])(
    'is not named in %j',
    (environment) => {
      expect(withEnvironment(environment)).toEqual([]);
    },
  );

  it('is found in a command too', () => {
    const text = `services:
  user-service: { command: a, stores: [data/users.db] }
  order-service: { command: 'node order.js --db=data/users.db' }
  payment-service: { command: c }`;
    expect(rules(text)).toEqual(['foreign-store']);
  });

  it('that is shared is told once', () => {
    expect(withEnvironment({ DB: 'data/users.db' }, ['data/users.db'])).toEqual(['data-isolation']);
  });
});

describe('a service with several gRPC services', () => {
  const described = (...names: string[]) => names.map((name) => ({ name, methods: ['Get'] }));
  const catalogue = described('stock.v1.StockService', 'stock.v1.PriceService', 'cart.v1.Carts');

  /** Offers and findings of weft.yaml under contracts; each instance offers what `live` says. */
  function derived(text: string, contracts: DescribedService[], live?: readonly string[]) {
    const topology = parseArchitecture(text, '/shop/weft.yaml');
    const instance = {
      ...{ service: 'stock-service', id: 'stock-1', address: '10.0.0.1:1', version: '' },
      ...{ dependencies: [], offers: [...(live ?? []), 'grpc.health.v1.Health'] },
    };
    const architecture = deriveArchitecture({
      topology,
      contracts,
      live: live && { instances: [instance], calls: [] },
      dataFolder: (service) => `/shop/.weft/${service}`,
      realPath: (path) => path,
    });
    const offers = architecture.services.map((service) => service.offers);
    return { offers, rules: findingsOf(architecture).map(({ rule }) => rule) };
  }

  const STOCK = 'services:\n  stock-service: { command: node stock.js }\n';
  const CART = '  cart-service: { command: b, offers: [cart.v1.Carts] }\n';

  it('of one package offers one domain, declared or not', () => {
    const both = ['stock.v1.StockService', 'stock.v1.PriceService'];
    expect(derived(STOCK + CART, catalogue, both)).toEqual({
      offers: [both, ['cart.v1.Carts']],
      rules: [],
    });
    const declared = STOCK.replace(' }', `, offers: [${both.join(', ')}] }`);
    expect(derived(declared + CART, catalogue, both).rules).toEqual([]);
  });

  it('of two versions of a package offers one domain', () => {
    const versions = ['stock.v1.StockService', 'stock.v2beta1.StockService'];
    expect(derived(STOCK, described(...versions), versions)).toEqual({
      offers: [versions],
      rules: [],
    });
  });

  it('of two packages is told to split', () => {
    const declared = STOCK.replace(' }', ', offers: [stock.v1.StockService, cart.v1.Carts] }');
    expect(derived(declared, catalogue.toSpliced(1, 1)).rules).toEqual(['single-responsibility']);
  });

  it('offers by its name alone where several services share the package', () => {
    const one = described('shop.v1.StockService', 'shop.v1.CartService', 'shop.v1.Other');
    const cart = '  cart-service: { command: b }\n';
    expect(derived(STOCK + cart, one)).toEqual({
      offers: [['shop.v1.StockService'], ['shop.v1.CartService']],
      rules: ['interface-unoffered'],
    });
  });
});

describe('the report of the rules', () => {
  const text = SHOP.replace('[user-service]', '[user-service, stock-service]');
  const { findings } = verify(text);

  it('tells what holds, what does not, and what cannot be told', () => {
    const verdicts = ruleVerdicts(findings, { isLive: false, isTried: false });
    const report = rulesReport(verdicts, findings, false);
    expect(report).toMatch(
      /^pass {2}single-responsibility {2}each service offers the interfaces of/m,
    );
    expect(report).toMatch(
      /^FAIL {2}unknown-dependency .*\n {6}order-service depends on nobody: 'stock-service'/m,
    );
    expect(report).toMatch(/^ {2}- {3}mixed-versions /m);
    expect(report).toMatch(/^9 of 13 rules hold; 3 can only be told of a mesh that is up$/m);
  });

  it('counts what was tried', () => {
    const verdicts = ruleVerdicts(findings, { isLive: true, isTried: true });
    expect(rulesReport(verdicts, findings, false)).toMatch(/^15 of 16 rules hold$/m);
  });
});
