import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TopologyError } from '../../../orchestrator/src/topology/checked-document.ts';
import { dependencyLevels } from '../../../orchestrator/src/topology/dependency-levels.ts';
import { loadTopology } from '../../../orchestrator/src/topology/load-topology.ts';
import { parseTopology } from '../../../orchestrator/src/topology/parse-topology.ts';

const FILE = '/somewhere/weft.yaml';

function problemsOf(text: string): readonly string[] {
  try {
    parseTopology(text, FILE);
  } catch (error) {
    if (error instanceof TopologyError) return error.problems;
    throw error;
  }
  return [];
}

/** One service with these lines in it. */
function service(...lines: string[]): string {
  return ['services:', '  one:', '    command: run it', ...lines.map((line) => `    ${line}`)].join(
    '\n',
  );
}

describe('parseTopology', () => {
  it('fills in what is left out', () => {
    const topology = parseTopology(service(), FILE);
    expect(topology).toEqual({
      file: FILE,
      folder: '/somewhere',
      host: '127.0.0.1',
      registry: {
        port: 7400,
        httpPort: undefined,
        httpHosts: [],
        store: 'auto',
        allowActions: false,
      },
      etcd: { port: 2379, prefix: '' },
      contracts: undefined,
      calls: undefined,
      services: [
        {
          name: 'one',
          command: ['run', 'it'],
          instances: 1,
          scale: undefined,
          port: 0,
          dependencies: [],
          environment: {},
          register: false,
          health: {
            type: 'grpc',
            path: '/',
            service: '',
            intervalMs: 2000,
            timeoutMs: 1000,
            startTimeoutMs: 30_000,
            restartAfterMs: 30_000,
          },
          stopTimeoutMs: 35_000,
          offers: undefined,
          stores: [],
          verify: [],
        },
      ],
    });
  });

  it('reads the host names of the web page', () => {
    const text = `registry: { httpHosts: [weft.example.com, weft] }\n${service()}`;
    const { registry } = parseTopology(text, FILE);
    expect(registry.httpHosts).toEqual(['weft.example.com', 'weft']);
  });

  it('reads how a service follows its load, beginning with the fewest instances', () => {
    const [one] = parseTopology(service('scale: { min: 2, max: 6, inFlight: 10 }'), FILE).services;
    const target = { kind: 'inFlight', value: 10 };
    expect(one?.instances).toBe(2);
    expect(one?.scale).toEqual({ min: 2, max: 6, target, cooldownMs: 60_000 });
    const cpu = service('instances: 3', 'scale: { max: 3, cpu: 0.5, cooldownMs: 0 }');
    expect(parseTopology(cpu, FILE).services[0]).toMatchObject({
      instances: 3,
      scale: { min: 1, max: 3, target: { kind: 'cpu', value: 0.5 }, cooldownMs: 0 },
    });
  });

  it.each<[string[], RegExp]>([
    [['scale: { max: 3 }'], /needs one of `inFlight` .* and `cpu`/],
    [['scale: { max: 3, inFlight: 1, cpu: 1 }'], /needs one of `inFlight` .* and `cpu`/],
    [['scale: { inFlight: 1 }'], /needs `max`/],
    [
      ['scale: { min: 4, max: 3, inFlight: 1 }'],
      /max: must be a whole number from 4 to 100, not 3/,
    ],
    [
      ['scale: { min: 0, max: 3, inFlight: 1 }'],
      /min: must be a whole number from 1 to 100, not 0/,
    ],
    [['scale: { max: 3, inFlight: 0 }'], /inFlight: must be a number greater than 0, not 0/],
    [['scale: { max: 3, cpu: many }'], /cpu: must be a number greater than 0, not "many"/],
    [['scale: { max: 3, inFlight: 1, target: 1 }'], /scale.target: is no known key/],
    [
      ['instances: 9', 'scale: { max: 3, inFlight: 1 }'],
      /instances: must be a whole number from 1 to 3/,
    ],
  ])('F40: refuses %j', (lines, problem) => {
    expect(problemsOf(service(...lines))).toEqual([expect.stringMatching(problem)]);
  });

  it('reads the prefix of the keys in etcd, which may be empty', () => {
    const prefixOf = (prefix: string) =>
      parseTopology(`registry: { etcd: { prefix: ${prefix} } }\n${service()}`, FILE).etcd.prefix;
    expect(prefixOf('/teams/a')).toBe('/teams/a');
    expect(prefixOf('""')).toBe('');
    expect(prefixOf('')).toBe('');
  });

  it('reads commands as text or list, and environment as text', () => {
    const topology = parseTopology(
      service(
        'command: ["node", "with space.js", "--flag"]',
        'environment: { A: 1, B: true, C: "x" }',
      ).replace('    command: run it\n', ''),
      FILE,
    );
    expect(topology.services[0]?.command).toEqual(['node', 'with space.js', '--flag']);
    expect(topology.services[0]?.environment).toEqual({ A: '1', B: 'true', C: 'x' });
  });

  it.each([
    [
      `registry: { httpHosts: ["https://weft.example.com"] }\n${service()}`,
      /:1: registry\.httpHosts\[0\]: must be a host name without scheme and port, .*not 'https:/,
    ],
    ['a: [', /^\/somewhere\/weft\.yaml:1: not valid YAML/],
    [
      `registry: { port: \${PORT}, store: memory }\nservices: {}`,
      /^[^\n]*:1: not valid YAML: [^\n]*; within \{ \} or \[ \] write "\$\{PORT\}" with quotes$/,
    ],
    ['', /:1: services: names no service/],
    ['servces: {}', /:1: servces: is no known key; did you mean services\?/],
    [service('replicas: 2'), /:4: services\.one\.replicas: is no known key; there are command, /],
    [service('enviroment: {}'), /:4: services\.one\.enviroment: .*did you mean environment\?/],
    [service('health: { timeout: 5 }'), /:4: services\.one\.health\.timeout: .*mean timeoutMs\?/],
    [
      service('instances: two'),
      /:4: services\.one\.instances: must be a whole number from 0 to 100, not "two"/,
    ],
    [service('instances: 101'), /:4: services\.one\.instances: .*not 101/],
    [service('instances: 1.5'), /:4: services\.one\.instances: .*not 1\.5/],
    [service('port: 65536'), /:4: services\.one\.port: must be a whole number from 0 to 65535/],
    [service('port: -1'), /:4: services\.one\.port/],
    [service('port: 65535', 'instances: 2'), /:4: services\.one\.port: leaves no port for one-2/],
    [
      service('environment:', '  WEFT_PORT: 1'),
      /:5: services\.one\.environment\.WEFT_PORT: is set by/,
    ],
    [service('environment:', '  A: [1]'), /:5: services\.one\.environment\.A: must be text/],
    [service('environment: 3'), /:4: services\.one\.environment: must be a mapping, not 3/],
    [
      service('health: { type: udp }'),
      /:4: services\.one\.health\.type: must be grpc or http or tcp or none, not "udp"/,
    ],
    [
      service('health: { type: http }'),
      /:4: services\.one\.health\.type: is for programs .*: add `register: true` to one/,
    ],
    [
      service('health: { type: htp, path: /healthz }'),
      /^[^\n]*:4: services\.one\.health\.type: must be grpc [^\n]*$/,
    ],
    [service('health: { path: / }'), /:4: services\.one\.health\.path: is for type http only/],
    [
      service('register: true', 'health: { type: http, path: healthz }'),
      /:5: services\.one\.health\.path: must be a path such as \/healthz, not 'healthz'/,
    ],
    [
      service('register: true', 'health: { type: tcp, service: a.B }'),
      /:5: services\.one\.health\.service: is for type grpc only/,
    ],
    [service('register: maybe'), /:4: services\.one\.register: must be true or false/],
    [
      service('health: { restartAfterMs: -1 }'),
      /:4: services\.one\.health\.restartAfterMs: must be a whole number from 0/,
    ],
    [
      service('health: { intervalMs: 1 }'),
      /:4: services\.one\.health\.intervalMs: must be a whole number/,
    ],
    [
      service('dependencies:', '  - nobody'),
      /:5: services\.one\.dependencies\[0\]: 'nobody' is no service here; there are one/,
    ],
    [
      service('dependencies: [onee]'),
      /:4: services\.one\.dependencies\[0\]: 'onee' is no service here; did you mean one\?/,
    ],
    [service('dependencies: [one]'), /:4: services\.one\.dependencies: form a cycle.*: one -> one/],
    ['services:\n  one:\n    instances: 2', /:2: services\.one\.command: is missing/],
    [
      'services:\n  one:\n    command: "a \'b"',
      /:3: services\.one\.command: has a quote that is not closed/,
    ],
    ['services:\n  one:\n    command: []', /:3: services\.one\.command: must not be empty/],
    ['services:\n  One:\n    command: a', /:2: services\.One: is no name of a service/],
    ['services:\n  etcd:\n    command: a', /:2: services\.etcd: is a name that Weft uses itself/],
    ['services:\n  one: 5', /:2: services\.one: must be a mapping, not 5/],
    ['services: [a]', /:1: services: must be a mapping, not a list/],
    [
      'services:\n  one: {command: a}\n  two: {command: a}\n  one: {command: a}',
      /:4: services\.one: stands here twice, in lines 2 and 4/,
    ],
    [
      service('environment:', '  A: 1', '  B: 2', '  "A": 3'),
      /:7: services\.one\.environment\.A: stands here twice, in lines 5 and 7/,
    ],
    [service('environment: { A: *nothing }'), /environment\.A: the alias \*nothing has no anchor/],
    [
      service('environment: &all', '  A: *all'),
      /environment\.A: the alias \*all is a part of what it stands for/,
    ],
    [service('<<: 5'), /:4: services\.one\.<<: must name a mapping or a list of mappings/],
    [service('environment: { A: }'), /environment\.A: must be text, .*"" is empty/],
    [service('environment: { A: "a\\0b" }'), /environment\.A: must be text/],
    [service('environment: { A: !secret b }'), /:4: not valid YAML: .*!secret/],
    [service('instances: 12345678901234567890'), /from 0 to 100, not 12345678901234567890/],
    [
      'registry: { store: redis }',
      /:1: registry\.store: must be auto or etcd or memory, not "redis"/,
    ],
    ['registry:\n  etcd:\n    port: x', /:3: registry\.etcd\.port/],
    [
      'registry:\n  etcd:\n    prefix: staging',
      /:3: registry\.etcd\.prefix: must be empty or segments, .* not "staging"/,
    ],
    ['registry:\n  etcd:\n    prefix: [a]', /:3: registry\.etcd\.prefix: must be empty or/],
    ['host: 0.0.0.0', /:1: host: must be the IP address of one interface/],
    [
      'registry: { port: 2379 }',
      /:1: registry\.etcd\.port: port 2379 is that of the registry too|etcd\.port: port 2379/,
    ],
    [service('port: 7400'), /:4: services\.one\.port: port 7400 is that of the registry too/],
    ['contracts: all', /:1: contracts: must be a list, not "all"/],
    [
      service('offers: [UserService]'),
      /:4: services\.one\.offers\[0\]: must be like user\.v1\.UserService, not 'UserService'/,
    ],
    [service('offers: [a.v1.B, a.v1.B]'), /offers\[1\]: 'a\.v1\.B' stands here twice/],
    [service('stores: [[]]'), /:4: services\.one\.stores\[0\]: must be text, not a list/],
    [service('verify: { call: X }'), /:4: services\.one\.verify: must be a list of calls/],
    [service('verify: [{ request: {} }]'), /services\.one\.verify\[0\]\.call: must be text/],
    [
      service('verify: [{ call: X, request: [1] }]'),
      /verify\[0\]\.request: must be a mapping, the request in its JSON form/,
    ],
    [service('verify: [{ call: X, needs: [two] }]'), /verify\[0\]\.needs\[0\]: .*'two'/],
    [service('verify: [{ calls: X }]'), /verify\[0\]\.calls: is no known key/],
  ])('names what is wrong in %j', (text, problem) => {
    expect(problemsOf(text).join('\n')).toMatch(problem);
  });

  it('reads what a service offers, stores, and is tried by', () => {
    const topology = parseTopology(
      service(
        'offers: [one.v1.One]',
        'stores: [one.db]',
        'verify: [{ call: Get, request: { id: 7 } }, { call: Put, needs: [one] }]',
      ),
      FILE,
    );
    expect(topology.services[0]).toMatchObject({
      offers: ['one.v1.One'],
      stores: ['one.db'],
      verify: [
        { call: 'Get', request: { id: 7 }, needs: [] },
        { call: 'Put', request: {}, needs: ['one'] },
      ],
    });
  });

  it('names a longer cycle along its names', () => {
    const text = `services:
  a: { command: x, dependencies: [b] }
  b: { command: x, dependencies: [c] }
  c:
    command: x
    dependencies: [a]`;
    expect(problemsOf(text)).toEqual([
      '/somewhere/weft.yaml:2: services.a.dependencies: form a cycle, so none can start first: a -> b -> c -> a',
    ]);
  });

  it('names every fault at once, in the order of the lines', () => {
    const problems = problemsOf('host: here\nservices:\n  one:\n    port: x\n    colour: red');
    expect(problems.map((problem) => problem.split(':')[1])).toEqual(['1', '3', '4', '5']);
  });

  it('reads the mesh of this repository', () => {
    const topology = loadTopology(join(import.meta.dirname, '../../../weft.yaml'));
    const levels = dependencyLevels(topology.services);
    expect(levels.map((level) => level.map(({ name }) => name))).toEqual([
      ['user-service'],
      ['order-service'],
      ['payment-service'],
    ]);
  });

  it('takes __proto__ as a name like any other', () => {
    expect(problemsOf('__proto__: {}\nservices: { a: { command: x } }').join()).toMatch(
      /:1: __proto__: is no known key/,
    );
  });
});
