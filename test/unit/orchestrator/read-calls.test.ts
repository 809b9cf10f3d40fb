import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parsePolicies } from '../../../client-sdk/src/policy/read-policies.ts';
import { TopologyError } from '../../../orchestrator/src/topology/checked-document.ts';
import { loadTopology } from '../../../orchestrator/src/topology/load-topology.ts';
import { parseTopology } from '../../../orchestrator/src/topology/parse-topology.ts';
import { firstLineOf } from './service-output.ts';

const FILE = '/somewhere/weft.yaml';
const SERVICES = 'services:\n  user-service: { command: a }\n  constructor: { command: a }\n';

const callsOf = (text: string) => parseTopology(SERVICES + text, FILE).calls;

/** What is said of the lines after `SERVICES`, the first of which is line 1. */
function problemsOf(text: string): readonly string[] {
  try {
    callsOf(text);
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    return error.problems.map((problem) =>
      problem.replace(/^.*?:(\d+)/, (_, line) => String(Number(line) - 3)),
    );
  }
  return [];
}

describe('calls of weft.yaml', () => {
  it('are what the SDK reads from $WEFT_POLICIES', () => {
    const calls = callsOf(`calls:
  defaults: { strategy: random, outlierEjection: false }
  services:
    user-service:
      retry: &few { maxAttempts: 2 }
      methods:
        GetUser: { retry: *few, defaultDeadlineMs: 500 }
    constructor: { maxInFlight: 5 }`);
    expect(calls).toEqual({
      defaults: { strategy: 'random', outlierEjection: false },
      services: {
        'user-service': {
          retry: { maxAttempts: 2 },
          methods: { GetUser: { retry: { maxAttempts: 2 }, defaultDeadlineMs: 500 } },
        },
        constructor: { maxInFlight: 5 },
      },
    });
    expect(parsePolicies(JSON.stringify(calls))).toEqual(calls);
  });

  it('may be left out or empty', () => {
    for (const text of ['', 'calls:', 'calls: {}', 'calls:\n  defaults:\n  services:']) {
      expect(callsOf(text)).toBeUndefined();
    }
  });

  it('of this repository can be used', () => {
    const { calls } = loadTopology(join(import.meta.dirname, '../../../weft.yaml'));
    expect(parsePolicies(JSON.stringify(calls))).toEqual(calls);
  });

  it.each([
    ['calls: 5', '1: calls: must be a mapping, not 5'],
    ['calls:\n  default: {}', '2: calls.default: is no known key; did you mean defaults?'],
    ['calls:\n  defaults: 5', '2: calls.defaults: must be an object, not 5'],
    [
      'calls:\n  defaults:\n    strategy: p2c_ewm',
      '3: calls.defaults.strategy: is no strategy of Weft; did you mean p2c_ewma?',
    ],
    [
      'calls:\n  defaults:\n    stratgy: random',
      '3: calls.defaults.stratgy: is no known field; did you mean strategy?',
    ],
    [
      'calls:\n  services:\n    usr-service:\n      maxInFlight: 5',
      '3: calls.services.usr-service: is no service here; did you mean user-service?',
    ],
    [
      'calls:\n  services:\n    user-service:\n      retry:\n        maxAttempts: 99',
      "5: calls.services.user-service.retry.maxAttempts: must be a whole number from 2 to 5 (gRPC's cap), not 99",
    ],
    [
      'calls:\n  services:\n    user-service:\n      maxInFlight: .nan',
      '4: calls.services.user-service.maxInFlight: must be a whole number from 1 to 1000000, not NaN',
    ],
    [
      'calls:\n  services:\n    user-service:\n      methods: { GetUser: { hedging: {} } }',
      '4: calls.services.user-service.methods.GetUser.hedging.delayMs: is missing; it has no default',
    ],
    ['calls:\n  services:\n    __proto__: {}', '3: calls.services.__proto__: must be a DNS label'],
    [
      'calls:\n  defaults: &a\n    breaker: *a',
      '3: calls.defaults.breaker: the alias *a is a part of what it stands for',
    ],
  ])('name what is wrong in %j with line and path (B32, B33)', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });

  it('may name a strategy of the services, which one that has not registered it refuses', () => {
    const calls = callsOf('calls:\n  defaults: { strategy: nearest }');
    expect(calls).toEqual({ defaults: { strategy: 'nearest' } });
    expect(() => parsePolicies(JSON.stringify(calls))).toThrow(
      '$WEFT_POLICIES (calls of weft.yaml): defaults.strategy must be one of round_robin',
    );
  });

  it('leave methods to the services, whose contracts their names do not tell', () => {
    const methods = { CreateUser: { retry: { maxAttempts: 2 } }, ResetPassword: {} };
    const services = { 'user-service': { methods } };
    expect(callsOf(`calls: ${JSON.stringify({ services })}`)).toEqual({ services });
  });

  it('name every fault at once', () => {
    const text =
      'calls:\n  defaults:\n    strategy: 1\n    slowStartMs: -1\n  services:\n    nobody: {}';
    expect(problemsOf(text).map((problem) => problem.split(':')[0])).toEqual(['3', '4', '6']);
  });

  it('are no longer than a variable can be', () => {
    const methods = Array.from({ length: 5000 }, (_, index) => `A${index}: { retry: false }`);
    const text = `calls:\n  services:\n    user-service: { methods: { ${methods.join(', ')} } }`;
    expect(problemsOf(text)).toEqual(['1: calls: must not be longer than 100000 bytes as JSON']);
  });

  it('are the one place: the environment of a service cannot set them beside', () => {
    expect(problemsOf('  x: { command: a, environment: { WEFT_POLICIES: "{}" } }')).toEqual([
      expect.stringContaining('WEFT_POLICIES: is set by `weft up` for each instance, from `calls`'),
    ]);
  });
});

describe('$WEFT_POLICIES of a child', () => {
  it.each([
    ['{"defaults":{"strategy":"random"}}', { defaults: { strategy: 'random' as const } }],
    ['undefined', undefined],
  ])('is %s', async (text, calls) => {
    const before = process.env.WEFT_POLICIES;
    process.env.WEFT_POLICIES = '{"defaults":{"strategy":"inherited"}}';
    try {
      const [spec] = parseTopology(SERVICES, FILE).services;
      const command = ['node', '-p', 'String(process.env.WEFT_POLICIES)'];
      expect(await firstLineOf(spec && { ...spec, command }, calls)).toBe(text);
    } finally {
      if (before === undefined) delete process.env.WEFT_POLICIES;
      else process.env.WEFT_POLICIES = before;
    }
  });
});
