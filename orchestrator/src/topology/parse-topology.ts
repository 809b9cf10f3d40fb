import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { POLICIES_VARIABLE } from '@weft/client-sdk';
import { HOST_NAME, KEY_PREFIX, SERVICE_NAME, unknownName } from '@weft/proto';
import { STORE_CHOICES } from '../store-choice.ts';
import { CheckedDocument, type DocumentPath } from './checked-document.ts';
import { commandWords } from './command-words.ts';
import { dependencyFaults } from './dependency-faults.ts';
import { fixedPorts, MAX_PORT, portProblems } from './fixed-ports.ts';
import { readOffers, readTrialCalls } from './read-architecture.ts';
import { readCalls } from './read-calls.ts';
import { readScale } from './read-scale.ts';
import {
  HEALTH_TYPES,
  type HealthSpec,
  MAX_INSTANCES,
  type ServiceSpec,
  type Topology,
} from './topology.ts';
import type { Variables } from './variables.ts';

/** Longest wait that may be set, a day. */
const MAX_WAIT_MS = 86_400_000;
/** Names of the processes that every mesh has. */
const RESERVED = ['etcd', 'registry'];
/** What `weft up` itself tells a process. */
const OWN_VARIABLES = [
  'WEFT_REGISTRY',
  'WEFT_HOST',
  'WEFT_PORT',
  'WEFT_INSTANCE_ID',
  'WEFT_SLOT',
  'WEFT_DATA_DIR',
  POLICIES_VARIABLE,
];

function readCommand(document: CheckedDocument, value: unknown, path: DocumentPath): string[] {
  if (value === undefined || value === null) {
    document.problem(path, 'is missing; name the program and its arguments');
    return [];
  }
  if (typeof value !== 'string') {
    const words = document.texts(value, path);
    if (Array.isArray(value) && words.length === 0) document.problem(path, 'must not be empty');
    return words;
  }
  const words = commandWords(value);
  if (words === undefined) document.problem(path, 'has a quote that is not closed');
  else if (words.length === 0) document.problem(path, 'must not be empty');
  return words ?? [];
}

function readEnvironment(document: CheckedDocument, value: unknown, path: DocumentPath) {
  const environment: [string, string][] = [];
  for (const [name, item] of document.mapping(value, path)) {
    const at = [...path, name];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      document.problem(at, 'is no name of a variable: letters, digits and _ only');
    } else if (OWN_VARIABLES.includes(name)) {
      const instead = name === POLICIES_VARIABLE ? ', from `calls` at the top of this file' : '';
      document.problem(at, `is set by \`weft up\` for each instance${instead}; leave it out`);
    } else {
      const text = document.written(item, at);
      if (text === undefined)
        document.problem(at, 'must be text, a number, true or false; "" is empty');
      else environment.push([name, text]);
    }
  }
  return Object.fromEntries(environment);
}

function readHealth(document: CheckedDocument, value: unknown, path: DocumentPath): HealthSpec {
  const known = [
    'type',
    'path',
    'service',
    'intervalMs',
    'timeoutMs',
    'startTimeoutMs',
    'restartAfterMs',
  ];
  const health = document.mapping(value, path, known);
  const at = (key: string) => [...path, key];
  const type = document.oneOf(health.get('type'), at('type'), HEALTH_TYPES, 'grpc');
  // An unknown type is a fault of its own, and says nothing of the other keys.
  const isTypeKnown = type === (health.get('type') ?? 'grpc');
  for (const [key, only] of [['path', 'http'] as const, ['service', 'grpc'] as const]) {
    if (isTypeKnown && health.has(key) && type !== only)
      document.problem(at(key), `is for type ${only} only`);
  }
  const httpPath = document.text(health.get('path'), at('path'), '/');
  if (!/^\/[\x21-\x7e]*$/.test(httpPath)) {
    document.problem(at('path'), `must be a path such as /healthz, not '${httpPath}'`);
  }
  const wait = (key: string, fallback: number) =>
    document.integer(health.get(key), [...path, key], 10, MAX_WAIT_MS, fallback);
  return {
    type,
    path: httpPath,
    service: document.text(health.get('service'), [...path, 'service'], ''),
    intervalMs: wait('intervalMs', 2000),
    timeoutMs: wait('timeoutMs', 1000),
    startTimeoutMs: wait('startTimeoutMs', 30_000),
    restartAfterMs: document.integer(
      health.get('restartAfterMs'),
      [...path, 'restartAfterMs'],
      0,
      MAX_WAIT_MS,
      30_000,
    ),
  };
}

function readService(document: CheckedDocument, name: string, value: unknown): ServiceSpec {
  const path = ['services', name];
  const known = [
    'command',
    'register',
    'instances',
    'scale',
    'port',
    'dependencies',
    'environment',
    'health',
    'stopTimeoutMs',
    'offers',
    'stores',
    'verify',
  ];
  if (!SERVICE_NAME.pattern.test(name)) {
    document.problem(path, `is no name of a service, which must be ${SERVICE_NAME.mustBe}`);
  } else if (RESERVED.includes(name)) {
    document.problem(path, `is a name that Weft uses itself; take another than '${name}'`);
  }
  const service = document.mapping(value, path, known);
  const at = (key: string) => [...path, key];
  const scale = readScale(document, service.get('scale'), at('scale'));
  const { min, max } = scale ?? { min: 0, max: MAX_INSTANCES };
  const instances = document.integer(
    service.get('instances'),
    at('instances'),
    min,
    max,
    Math.max(1, min),
  );
  const register = document.flag(service.get('register'), at('register'));
  const health = readHealth(document, service.get('health'), at('health'));
  if (health.type !== 'grpc' && !register) {
    document.problem(
      [...at('health'), 'type'],
      `is for programs that \`weft up\` registers: add \`register: true\` to ${name}, or leave it out`,
    );
  }
  return {
    name,
    command: readCommand(document, service.get('command'), at('command')),
    instances,
    scale,
    register,
    port: document.integer(service.get('port'), at('port'), 0, MAX_PORT, 0),
    dependencies: document.texts(service.get('dependencies'), at('dependencies')),
    environment: readEnvironment(document, service.get('environment'), at('environment')),
    health,
    stopTimeoutMs: document.integer(
      service.get('stopTimeoutMs'),
      at('stopTimeoutMs'),
      0,
      MAX_WAIT_MS,
      35_000,
    ),
    offers: readOffers(document, service.get('offers'), at('offers')),
    stores: document.texts(service.get('stores'), at('stores')),
    verify: readTrialCalls(document, service.get('verify'), at('verify')),
  };
}

function readPrefix(document: CheckedDocument, value: unknown, path: DocumentPath): string {
  const prefix = value === undefined || value === null ? '' : document.written(value, path);
  if (prefix !== undefined && KEY_PREFIX.pattern.test(prefix)) return prefix;
  document.problem(path, `must be ${KEY_PREFIX.mustBe}, not ${JSON.stringify(prefix ?? value)}`);
  return '';
}

/** Whether what is said about other services can be: nothing is named twice, nobody who is not there. */
function checkReferences(document: CheckedDocument, services: readonly ServiceSpec[]): void {
  const names = services.map(({ name }) => name);
  for (const { name, dependencies, verify } of services) {
    dependencies.forEach((dependency, index) => {
      if (dependencies.indexOf(dependency) === index) return;
      const at = ['services', name, 'dependencies', index];
      document.problem(at, `'${dependency}' stands here twice`);
    });
    for (const [call, { needs }] of verify.entries()) {
      needs.forEach((needed, index) => {
        if (names.includes(needed)) return;
        const at = ['services', name, 'verify', call, 'needs', index];
        document.problem(at, `'${needed}' ${unknownName('service here', needed, names)}`);
      });
    }
  }
}

function checkDependencies(document: CheckedDocument, services: readonly ServiceSpec[]): void {
  for (const fault of dependencyFaults(services)) {
    const path =
      fault.kind === 'unknown'
        ? ['services', fault.service, 'dependencies', fault.index]
        : ['services', fault.names[0] ?? '', 'dependencies'];
    document.problem(path, fault.message);
  }
}

function checkPorts(document: CheckedDocument, topology: Topology): void {
  for (const { path, reason } of portProblems(fixedPorts(topology))) document.problem(path, reason);
}

const KNOWN = {
  root: ['host', 'registry', 'contracts', 'calls', 'services'],
  registry: ['port', 'httpPort', 'httpHosts', 'store', 'etcd', 'allowActions'],
};

/** Reads the host names that the registry takes as `--http-host`. */
function readHttpHosts(document: CheckedDocument, value: unknown): string[] {
  const path = ['registry', 'httpHosts'];
  const names = document.texts(value, path);
  names.forEach((name, index) => {
    if (HOST_NAME.pattern.test(name)) return;
    document.problem([...path, index], `must be ${HOST_NAME.mustBe}, not '${name}'`);
  });
  return names;
}

function read(document: CheckedDocument, file: string): Topology {
  const root = document.mapping(document.root, [], KNOWN.root);
  const registry = document.mapping(root.get('registry'), ['registry'], KNOWN.registry);
  const etcd = document.mapping(registry.get('etcd'), ['registry', 'etcd'], ['port', 'prefix']);
  const host = document.text(root.get('host'), ['host'], '127.0.0.1');
  if (isIP(host) === 0 || ['0.0.0.0', '::'].includes(host)) {
    document.problem(['host'], `must be the IP address of one interface, not '${host}'`);
  }
  const port = (value: unknown, path: DocumentPath, fallback: number) =>
    document.integer(value, path, 0, MAX_PORT, fallback);
  const services = [...document.mapping(root.get('services'), ['services'])].map(([name, value]) =>
    readService(document, name, value),
  );
  const topology: Topology = {
    file,
    folder: dirname(resolve(file)),
    host,
    registry: {
      port: port(registry.get('port'), ['registry', 'port'], 7400),
      httpPort:
        registry.get('httpPort') === undefined
          ? undefined
          : port(registry.get('httpPort'), ['registry', 'httpPort'], 0),
      httpHosts: readHttpHosts(document, registry.get('httpHosts')),
      store: document.oneOf(registry.get('store'), ['registry', 'store'], STORE_CHOICES, 'auto'),
      allowActions: document.flag(registry.get('allowActions'), ['registry', 'allowActions']),
    },
    etcd: {
      port: port(etcd.get('port'), ['registry', 'etcd', 'port'], 2379),
      prefix: readPrefix(document, etcd.get('prefix'), ['registry', 'etcd', 'prefix']),
    },
    contracts:
      root.get('contracts') === undefined
        ? undefined
        : document.texts(root.get('contracts'), ['contracts']),
    calls: readCalls(
      document,
      root.get('calls'),
      services.map(({ name }) => name),
    ),
    services,
  };
  if (topology.services.length === 0) {
    document.problem(['services'], 'names no service; add one with its command');
  }
  checkReferences(document, topology.services);
  checkPorts(document, topology);
  return topology;
}

/** What weft.yaml is read with, besides its text. */
export interface ReadOptions {
  /** What `${NAME}` in a value refers to. Default: no variable is set. */
  readonly variables?: Variables;
  /** Called for what is no fault but probably not meant. */
  readonly onWarning?: (text: string) => void;
}

function readDocument(text: string, file: string, { variables, onWarning }: ReadOptions) {
  const document = new CheckedDocument(text, file, variables);
  for (const { name, line } of document.unsetVariables) {
    onWarning?.(
      `${file}:${line}: the variable ${name} is not set, so its value is empty; set it, or write \${${name}:-default}`,
    );
  }
  return { document, topology: read(document, file) };
}

/**
 * Reads weft.yaml.
 * @param file Its path, for messages and as the root of all relative paths.
 * @throws TopologyError naming every fault with file, line and path.
 */
export function parseTopology(text: string, file: string, options: ReadOptions = {}): Topology {
  const { document, topology } = readDocument(text, file, options);
  checkDependencies(document, topology.services);
  document.throwIfWrong();
  return topology;
}

/**
 * Reads weft.yaml as `parseTopology` does, but accepts dependencies on unknown services and cycles. Use it to
 * look for faults of an architecture; no mesh can be started from the result.
 */
export function parseArchitecture(text: string, file: string, options: ReadOptions = {}): Topology {
  const { document, topology } = readDocument(text, file, options);
  document.throwIfWrong();
  return topology;
}
