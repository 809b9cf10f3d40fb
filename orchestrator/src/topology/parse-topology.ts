import { isIP } from 'node:net';
import { dirname, resolve } from 'node:path';
import { POLICIES_VARIABLE } from '@weft/client-sdk';
import { STORE_CHOICES } from '../store-choice.ts';
import { CheckedDocument, type DocumentPath } from './checked-document.ts';
import { commandWords } from './command-words.ts';
import { findCycle } from './dependency-levels.ts';
import { readCalls } from './read-calls.ts';
import type { HealthSpec, ServiceSpec, Topology } from './topology.ts';

const MAX_INSTANCES = 100;
/** Longest wait that may be set, a day. */
const MAX_WAIT_MS = 86_400_000;
const DNS_LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Names of the processes that every mesh has. */
const RESERVED = ['etcd', 'registry'];
/** What `weft up` itself tells a process. */
const OWN_VARIABLES = [
  'WEFT_REGISTRY',
  'WEFT_HOST',
  'WEFT_PORT',
  'WEFT_INSTANCE_ID',
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
    } else if (['string', 'number', 'boolean'].includes(typeof item)) {
      environment.push([name, String(item)]);
    } else {
      document.problem(at, 'must be text, a number, true or false');
    }
  }
  return Object.fromEntries(environment);
}

function readHealth(document: CheckedDocument, value: unknown, path: DocumentPath): HealthSpec {
  const known = ['type', 'service', 'intervalMs', 'timeoutMs', 'startTimeoutMs'];
  const health = document.mapping(value, path, known);
  const wait = (key: string, fallback: number) =>
    document.integer(health.get(key), [...path, key], 10, MAX_WAIT_MS, fallback);
  document.oneOf(health.get('type'), [...path, 'type'], ['grpc'], 'grpc');
  return {
    service: document.text(health.get('service'), [...path, 'service'], ''),
    intervalMs: wait('intervalMs', 2000),
    timeoutMs: wait('timeoutMs', 1000),
    startTimeoutMs: wait('startTimeoutMs', 30_000),
  };
}

function readService(document: CheckedDocument, name: string, value: unknown): ServiceSpec {
  const path = ['services', name];
  const known = [
    'command',
    'instances',
    'port',
    'dependencies',
    'environment',
    'health',
    'stopTimeoutMs',
  ];
  if (!DNS_LABEL.test(name)) {
    document.problem(
      path,
      'is no name of a service: a-z, 0-9 and -, starting with a letter, at most 63 characters',
    );
  } else if (RESERVED.includes(name)) {
    document.problem(path, `is a name that Weft uses itself; take another than '${name}'`);
  }
  const service = document.mapping(value, path, known);
  const at = (key: string) => [...path, key];
  const instances = document.integer(
    service.get('instances'),
    at('instances'),
    0,
    MAX_INSTANCES,
    1,
  );
  const port = document.integer(service.get('port'), at('port'), 0, 65_535, 0);
  if (port > 0 && port + instances - 1 > 65_535) {
    document.problem(at('port'), `leaves no port for instance ${65_535 - port + 2}`);
  }
  return {
    name,
    command: readCommand(document, service.get('command'), at('command')),
    instances,
    port,
    dependencies: document.texts(service.get('dependencies'), at('dependencies')),
    environment: readEnvironment(document, service.get('environment'), at('environment')),
    health: readHealth(document, service.get('health'), at('health')),
    stopTimeoutMs: document.integer(
      service.get('stopTimeoutMs'),
      at('stopTimeoutMs'),
      0,
      MAX_WAIT_MS,
      35_000,
    ),
  };
}

function checkDependencies(document: CheckedDocument, services: readonly ServiceSpec[]): void {
  const names = services.map(({ name }) => name);
  for (const { name, dependencies } of services) {
    dependencies.forEach((dependency, index) => {
      const at = ['services', name, 'dependencies', index];
      if (!names.includes(dependency)) {
        document.problem(at, `'${dependency}' is no service here; there are ${names.join(', ')}`);
      } else if (dependencies.indexOf(dependency) < index) {
        document.problem(at, `'${dependency}' stands here twice`);
      }
    });
  }
  const cycle = findCycle(services);
  if (cycle) {
    document.problem(
      ['services', cycle[0] ?? '', 'dependencies'],
      `form a cycle, so none can start first: ${cycle.join(' -> ')}`,
    );
  }
}

function checkPorts(document: CheckedDocument, topology: Topology): void {
  const owners = new Map<number, string>();
  const claim = (port: number, owner: string, path: DocumentPath) => {
    const other = owners.get(port);
    if (port !== 0 && other !== undefined) {
      document.problem(path, `port ${port} is that of ${other} too`);
    } else {
      owners.set(port, owner);
    }
  };
  claim(topology.registry.port, 'the registry', ['registry', 'port']);
  claim(topology.etcd.port, 'etcd', ['registry', 'etcd', 'port']);
  for (const { name, port, instances } of topology.services) {
    for (let index = 0; port !== 0 && index < instances; index += 1) {
      claim(port + index, `${name}-${index + 1}`, ['services', name, 'port']);
    }
  }
}

/**
 * Reads weft.yaml.
 * @param file Its path, for messages and as the root of all relative paths.
 * @throws TopologyError naming every fault with file, line and path.
 */
export function parseTopology(text: string, file: string): Topology {
  const document = new CheckedDocument(text, file);
  const root = document.mapping(document.root, [], ['host', 'registry', 'calls', 'services']);
  const registry = document.mapping(root.get('registry'), ['registry'], ['port', 'store', 'etcd']);
  const etcd = document.mapping(registry.get('etcd'), ['registry', 'etcd'], ['port']);
  const host = document.text(root.get('host'), ['host'], '127.0.0.1');
  if (isIP(host) === 0 || ['0.0.0.0', '::'].includes(host)) {
    document.problem(['host'], `must be the IP address of one interface, not '${host}'`);
  }
  const port = (value: unknown, path: DocumentPath, fallback: number) =>
    document.integer(value, path, 0, 65_535, fallback);
  const services = [...document.mapping(root.get('services'), ['services'])].map(([name, value]) =>
    readService(document, name, value),
  );
  const topology: Topology = {
    file,
    folder: dirname(resolve(file)),
    host,
    registry: {
      port: port(registry.get('port'), ['registry', 'port'], 7400),
      store: document.oneOf(registry.get('store'), ['registry', 'store'], STORE_CHOICES, 'auto'),
    },
    etcd: { port: port(etcd.get('port'), ['registry', 'etcd', 'port'], 2379) },
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
  checkDependencies(document, topology.services);
  checkPorts(document, topology);
  document.throwIfWrong();
  return topology;
}
