import { describe, expect, it } from '@jest/globals';
import { TopologyError } from '../../../orchestrator/src/topology/checked-document.ts';
import { parseTopology } from '../../../orchestrator/src/topology/parse-topology.ts';
import { firstLineOf } from './service-output.ts';

const FILE = '/somewhere/weft.yaml';

function parse(text: string, shell: Record<string, string> = {}) {
  const warnings: string[] = [];
  const variables = { get: (name: string) => shell[name] };
  const topology = parseTopology(text, FILE, {
    variables,
    onWarning: (warning) => warnings.push(warning),
  });
  return { topology, services: topology.services, warnings };
}

/** The environment of the only service, whose environment has these lines. */
function environmentOf(lines: readonly string[], shell?: Record<string, string>) {
  const text = ['services:', '  one:', '    command: run', '    environment:'].join('\n');
  const { services, warnings } = parse(
    [text, ...lines.map((line) => `      ${line}`)].join('\n'),
    shell,
  );
  return { environment: services[0]?.environment, warnings };
}

describe('values of weft.yaml', () => {
  it.each([
    '25921e05',
    '012345678901',
    '1.10',
    '12345678901234567890',
    '0x1F',
    '0o17',
    '+1',
    '-0',
    '.5',
    '1.',
    '1_000',
    '.inf',
    '.NaN',
    'True',
    'FALSE',
    'yes',
    'off',
    '2024-01-01',
    '12:30:45',
    'a b  c',
  ])('reach the process as written: %s', (written) => {
    expect(environmentOf([`A: ${written}`, `B: "${written}"`]).environment).toEqual({
      A: written,
      B: written,
    });
  });

  it('are text wherever text is expected: arguments, paths, names', () => {
    const { services } = parse(`services:
  one: { command: [run, 1.10, 0x1F, true] }
  two: { command: run, stores: [2024.10], health: { service: 012 } }`);
    expect(services[0]).toMatchObject({ command: ['run', '1.10', '0x1F', 'true'] });
    expect(services[1]).toMatchObject({
      stores: ['2024.10'],
      health: { service: '012' },
    });
  });

  it('keep every digit and every level of a request', () => {
    const request = 'a: { b: { c: { d: { e: { f: { g: { h: { i: { j: end } } } } } } } } }';
    const { services } = parse(`services:
  one:
    command: run
    verify:
      - call: Get
        request: { 012: 9007199254740993, small: 9007199254740991, ratio: 0.5, ${request} }`);
    expect(services[0]?.verify[0]?.request).toEqual({
      '012': '9007199254740993',
      small: 9007199254740991,
      ratio: 0.5,
      a: { b: { c: { d: { e: { f: { g: { h: { i: { j: 'end' } } } } } } } } },
    });
  });

  it('may be shared by anchors, aliases and merge keys, as in compose files', () => {
    const { services } = parse(`x-common: &common
  command: run it
  instances: 2
  environment: &shared { ZONE: a, PORT: &port 012 }
x-more: &more { instances: 3, stopTimeoutMs: 9000 }
services:
  one:
    <<: *common
  two:
    <<: [*common, *more]
    environment:
      ZONE: b
      <<: *shared
      OTHER: *port
  three:
    <<: { command: run }
    <<: *more`);
    expect(services).toMatchObject([
      {
        name: 'one',
        command: ['run', 'it'],
        instances: 2,
        environment: { ZONE: 'a', PORT: '012' },
      },
      {
        name: 'two',
        instances: 2,
        stopTimeoutMs: 9000,
        environment: { ZONE: 'b', PORT: '012', OTHER: '012' },
      },
      { name: 'three', command: ['run'], instances: 3 },
    ]);
  });

  it('that come from an anchor are named at the line where they stand', () => {
    const text = `x-common: &common
  instances: many
services:
  one:
    <<: *common
    command: run`;
    expect(() => parse(text)).toThrow(
      '/somewhere/weft.yaml:2: services.one.instances: must be a whole number',
    );
  });

  it('are refused where aliases of aliases would make billions of them', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `x-${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(', ')}]`,
    );
    const text = ['x-0: &l0 [1]', ...levels, 'services: { one: { command: run } }'].join('\n');
    expect(() => parse(text)).toThrow(/has more than 50000 values/);
    const merges = levels.map((line) => line.replace('[', '{ <<: [').replace(']', '] }'));
    const merged = ['x-0: &l0 { command: run }', ...merges, 'services: { one: { <<: *l12 } }'];
    expect(parse(merged.join('\n')).services).toMatchObject([{ command: ['run'] }]);
  });

  it('refer to variables as in compose files', () => {
    const { environment, warnings } = environmentOf(
      [
        `SET: \${ZONE}`,
        'SHORT: x-$ZONE.y',
        `UNSET: \${NONE:-default}`,
        `EMPTY: \${BLANK:-default}`,
        `KEPT: \${BLANK-default}`,
        `NESTED: \${NONE:-\${ZONE}/\${NONE:-b}}`,
        `INSTEAD: \${ZONE:+is set}`,
        `NOT: "\${NONE:+is set}"`,
        `DOLLAR: costs $$5 and $\${ZONE}`,
        `QUOTED: '\${ZONE}'`,
        `NUMBER: \${CODE}`,
        'LONG: |',
        `  \${ZONE}`,
        '  $$HOME',
      ],
      { ZONE: 'a', BLANK: '', CODE: '012' },
    );
    expect(environment).toEqual({
      SET: 'a',
      SHORT: 'x-a.y',
      UNSET: 'default',
      EMPTY: 'default',
      KEPT: '',
      NESTED: 'a/b',
      INSTEAD: 'is set',
      NOT: '',
      DOLLAR: `costs $5 and \${ZONE}`,
      QUOTED: 'a',
      NUMBER: '012',
      LONG: 'a\n$HOME\n',
    });
    expect(warnings).toEqual([]);
  });

  it('refer to variables for numbers and switches too, quoted or not', () => {
    const { topology } = parse(
      `registry: { port: "\${PORT}", allowActions: "\${ACTIONS}", store: "\${STORE:-memory}" }
services:
  one:
    command: run --to $TARGET
    instances: \${COUNT}
    scale: { min: "\${COUNT}", max: 5, cpu: "\${CPU:-0.5}" }`,
      { PORT: '7500', ACTIONS: 'true', COUNT: '3', TARGET: 'here' },
    );
    expect(topology).toMatchObject({
      registry: { port: 7500, allowActions: true, store: 'memory' },
      services: [
        {
          command: ['run', '--to', 'here'],
          instances: 3,
          scale: { min: 3, target: { kind: 'cpu', value: 0.5 } },
        },
      ],
    });
    const called = `services: { one: { command: run } }
calls: { defaults: { maxInFlight: "\${COUNT}" } }`;
    expect(parse(called, { COUNT: '3' }).topology.calls).toEqual({ defaults: { maxInFlight: 3 } });
    const typo = `services: { one: { command: run, instances: "\${COUNT}" } }`;
    expect(() => parse(typo, { COUNT: 'two' })).toThrow(/whole number from 0 to 100, not "two"/);
  });

  it('are empty for a variable that is not set, with a warning that names the line', () => {
    const { environment, warnings } = environmentOf(['A: x$NONE', 'B: y']);
    expect(environment).toEqual({ A: 'x', B: 'y' });
    expect(warnings).toEqual([
      `/somewhere/weft.yaml:5: the variable NONE is not set, so its value is empty; set it, or write \${NONE:-default}`,
    ]);
  });

  it.each([
    ['A: 5$', /environment\.A: has a \$ that starts no \$\{NAME\}: "\$"; write \$\$/],
    [`A: \${`, /write \$\$ for a dollar sign/],
    [`A: \${NAME`, /write \$\$ for a dollar sign/],
    ['A: $(date)', /"\$\(date\)"; write \$\$/],
    [`A: \${NAME/x}`, /has \$\{NAME\/x\}; known are \$\{NAME\}, \$\{NAME:-default\}/],
    [`A: \${NAME:?it names the zone}`, /needs the variable NAME: it names the zone; set it/],
  ])('are refused with the reason: %s', (line, reason) => {
    expect(() => environmentOf([line])).toThrow(TopologyError);
    expect(() => environmentOf([line])).toThrow(reason);
  });

  it('are in the environment and the arguments of the process that runs', async () => {
    const text = `services:
  one:
    command: [node, -p, 'JSON.stringify([process.env, process.argv])', 1.10, "\${CODE}"]
    environment: { A: 25921e05, B: 012345678901, C: 12345678901234567890, D: "\${CODE}" }`;
    const { services } = parse(text, { CODE: '1e3' });
    const [environment, words] = JSON.parse(await firstLineOf(services[0]));
    expect(environment).toMatchObject({
      A: '25921e05',
      B: '012345678901',
      C: '12345678901234567890',
      D: '1e3',
    });
    expect(words.slice(1)).toEqual(['1.10', '1e3']);
  });
});
