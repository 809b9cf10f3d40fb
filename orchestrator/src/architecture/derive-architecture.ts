import { relative } from 'node:path';
import { serviceNameOf } from '@weft/client-sdk';
import type { DescribedService } from '@weft/proto';
import type { ServiceSpec, Topology } from '../topology/topology.ts';
import type {
  Architecture,
  InterfaceModel,
  NodeModel,
  ServiceModel,
  SettingModel,
  StoreModel,
} from './architecture.ts';
import { deriveMap } from './derive-map.ts';
import { domainOf, isDomainInterface, shortName } from './interface-names.ts';
import type { LiveFacts, LiveInstance } from './live-facts.ts';
import { redacted, redactedSetting } from './redacted.ts';
import { type PathContext, storeLocation } from './store-location.ts';

/** What an architecture is derived from. */
export interface ArchitectureSources {
  readonly topology: Topology;
  /** What the contracts describe. */
  readonly contracts: readonly DescribedService[];
  /** The mesh as it is; undefined when none is up. */
  readonly live: LiveFacts | undefined;
  /** The folder that `weft up` gives to a service for its data. */
  readonly dataFolder: (service: string) => string;
  readonly realPath: PathContext['realPath'];
}

/** The name that a service of the mesh has if it is named after a gRPC service. */
function namedAfter(contract: string): string {
  return serviceNameOf({ name: shortName(contract) });
}

/**
 * Domain interfaces of a service: what weft.yaml says, else the contracts that go by its name, and the
 * others of their domain if no other service is named after a contract of this domain.
 */
function offersOf(
  { name, offers }: ServiceSpec,
  { services }: Topology,
  contracts: readonly string[],
): string[] {
  if (offers !== undefined) return offers.filter(isDomainInterface);
  const domestic = contracts.filter(isDomainInterface);
  const named = domestic.filter((contract) => namedAfter(contract) === name);
  const domains = new Set(named.map(domainOf));
  const ofDomain = domestic.filter((contract) => domains.has(domainOf(contract)));
  const isShared = ofDomain.some((contract) =>
    services.some((other) => other.name !== name && other.name === namedAfter(contract)),
  );
  return isShared ? named : ofDomain;
}

function declaredService(
  spec: ServiceSpec,
  topology: Topology,
  contracts: readonly DescribedService[],
): ServiceModel {
  return {
    name: spec.name,
    isDeclared: true,
    isGrpc: spec.health.type === 'grpc',
    offers: offersOf(
      spec,
      topology,
      contracts.map((contract) => contract.name),
    ),
    dependencies: spec.dependencies,
    health: spec.health.service,
  };
}

/** Services that are registered and that weft.yaml does not name. */
function unknownServices(
  instances: readonly LiveInstance[],
  { services }: Topology,
): ServiceModel[] {
  const unknown = instances.filter(({ service }) => services.every(({ name }) => name !== service));
  return [...Map.groupBy(unknown, ({ service }) => service)].map(([name, all]) => ({
    name,
    isDeclared: false,
    isGrpc: true,
    offers: [...new Set(all.flatMap(({ offers = [] }) => offers))].filter(isDomainInterface),
    dependencies: [],
    health: '',
  }));
}

function deriveInterfaces(
  services: readonly ServiceModel[],
  contracts: readonly DescribedService[],
): InterfaceModel[] {
  const described = new Map(contracts.map(({ name, methods }) => [name, methods]));
  const declared = services.filter(({ isDeclared }) => isDeclared);
  const offered = declared.flatMap(({ offers }) => offers);
  return [...new Set([...described.keys(), ...offered])].filter(isDomainInterface).map((name) => ({
    name,
    methods: described.get(name) ?? [],
    isDescribed: described.has(name),
    providers: declared.flatMap((service) => (service.offers.includes(name) ? service.name : [])),
  }));
}

function storesOf(
  { name: service, stores }: ServiceSpec,
  context: PathContext,
  dataFolder: string,
): StoreModel[] {
  const store = (text: string, isDataFolder: boolean): StoreModel => ({
    service,
    name: redacted(text),
    isDataFolder,
    location: storeLocation(text, context),
  });
  return [
    ...stores.map((text) => store(text, false)),
    store(relative(context.folder, dataFolder), true),
  ];
}

/** A value may be a list, or name a store amid other things: `--db=../x.db`. */
function placesIn(words: readonly string[], context: PathContext) {
  const texts = words.flatMap((word) => [word, ...word.split(/[\s;=,]+/)]);
  return [...new Set(texts)].flatMap((text) => storeLocation(text, context) ?? []);
}

function settingsOf(spec: ServiceSpec, context: PathContext): SettingModel[] {
  const service = spec.name;
  const variables = Object.entries(spec.environment).map(([name, value]) => ({
    service,
    name,
    value: redactedSetting(name, value),
    locations: placesIn([value], context),
  }));
  const command = {
    service,
    name: 'command',
    value: redacted(spec.command.join(' ')),
    locations: placesIn(spec.command, context),
  };
  return [command, ...variables];
}

function plannedNodes({ name, instances, port }: ServiceSpec, host: string): NodeModel[] {
  return Array.from({ length: instances }, (_, index) => ({
    service: name,
    instance: `${name}-${index + 1}`,
    address: `${host}:${port === 0 ? 'any' : port + index}`,
    isLive: false,
    version: '',
    offers: undefined,
  }));
}

function liveNode({ service, id, address, version, offers }: LiveInstance): NodeModel {
  return { service, instance: id, address, isLive: true, version, offers };
}

/** The six sets of MS = (S, I, D, C, N, M). */
export function deriveArchitecture(sources: ArchitectureSources): Architecture {
  const { topology, contracts, live, dataFolder, realPath } = sources;
  const context = { folder: topology.folder, realPath };
  const services = [
    ...topology.services.map((spec) => declaredService(spec, topology, contracts)),
    ...unknownServices(live?.instances ?? [], topology),
  ];
  return {
    services,
    interfaces: deriveInterfaces(services, contracts),
    stores: topology.services.flatMap((spec) => storesOf(spec, context, dataFolder(spec.name))),
    configuration: topology.services.flatMap((spec) => settingsOf(spec, context)),
    nodes:
      live?.instances.map(liveNode) ??
      topology.services.flatMap((spec) => plannedNodes(spec, topology.host)),
    map: deriveMap(services, live),
  };
}
