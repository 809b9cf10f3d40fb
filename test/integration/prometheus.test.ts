import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MetricSet } from '@weft/proto/metrics';
import { parse } from 'yaml';
import { orchestratorMetrics } from '../../orchestrator/src/metrics/orchestrator-metrics.ts';
import { root, run } from '../../scripts/tools/program.ts';
import { serveEcho } from '../support/echo-service.ts';
import { eventually } from '../support/eventually.ts';
import { metricsPageOf } from '../support/metrics.ts';
import { startPrometheus, type TestPrometheus } from '../support/prometheus.ts';
import { callSteadily } from '../support/steady-calls.ts';
import { TestMesh, usersOf, warmUp } from '../support/test-mesh.ts';
import { describeWith, toolPath } from '../support/tools.ts';

const folder = join(root, 'registry', 'monitoring');
const rulesFile = join(folder, 'weft-rules.yml');
const dashboardFile = join(folder, 'grafana-dashboard.json');

interface Rules {
  groups: { rules: { record?: string; alert?: string; expr: string }[] }[];
}

/** A registry, and a process that offers `shop` with metrics and calls `echo`. */
let stage: TestMesh;
let users: ReturnType<typeof usersOf>;
let shopMetrics: string;

beforeAll(async () => {
  stage = await TestMesh.start({ httpPort: 0 });
  const echo = await stage.serve('echo', ['a'], { metricsPort: 0 });
  const mesh = stage.join();
  const { host } = await serveEcho(mesh, 'shop-1', { name: 'shop', metricsPort: 0 });
  stage.defer(() => host.close());
  shopMetrics = (await host.registered()).metadata.get('metrics') ?? '';
  users = usersOf(mesh, 'echo');
  await warmUp(users, echo);
});
afterAll(() => stage.close());

/** Names of the metrics that a page tells, those of the parts of histograms included. */
function namesOn(page: string): string[] {
  return [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name],
  );
}

function namesIn(expression: string): string[] {
  const pattern = /\b(?:weft_|grpc_server_|grpc_client_|nodejs_|process_)\w+|\b\w+:\w+:\w+/g;
  return expression.match(pattern) ?? [];
}

describe('what the dashboard and the rules ask for', () => {
  const { groups }: Rules = parse(readFileSync(rulesFile, 'utf8'));
  const rules = groups.flatMap((group) => group.rules);
  const dashboard: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
    readFileSync(dashboardFile, 'utf8'),
  );
  const asked = [
    ...rules.map(({ expr }) => expr),
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    readFileSync(dashboardFile, 'utf8').match(/label_values\([^)]*\)/)?.[0] ?? '',
  ];

  it('is told by the processes, name by name', async () => {
    const pages = [
      await metricsPageOf(stage.registry.httpAddress),
      await metricsPageOf(shopMetrics),
      await orchestratorMetrics(() => []).text(),
    ];
    const recorded = rules.flatMap(({ record }) => (record === undefined ? [] : [record]));
    const known = new Set([...pages.flatMap(namesOn), ...recorded]);
    const wanted = new Set(asked.flatMap(namesIn));
    expect(wanted.size).toBeGreaterThan(20);
    expect([...wanted].filter((name) => !known.has(name))).toEqual([]);
    // Every expression is about something that was looked up, or about whether a process answers.
    const idle = asked.filter((expr) => namesIn(expr).length === 0 && !expr.startsWith('up{'));
    expect(idle).toEqual([]);
  });

  it('would be missed if it were not', async () => {
    const set = new MetricSet();
    set.gauge('weft_there', 'There.', () => 1);
    expect(namesOn(await set.text())).toEqual(['weft_there']);
    expect(namesIn('sum(weft_not_there{grpc_code="OK"}) / service:some:rate')).toEqual([
      'weft_not_there',
      'service:some:rate',
    ]);
  });
});

describeWith(['promtool'], 'promtool', () => {
  it.each([
    ['check', 'rules', rulesFile],
    ['check', 'config', join(folder, 'prometheus.yml')],
    ['test', 'rules', join(root, 'test', 'fixtures', 'monitoring', 'weft-rules-test.yml')],
  ])('%s %s passes', async (...words) => {
    const { code, output } = await run(toolPath('promtool'), words);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
  });
});

describeWith(['prometheus'], 'a Prometheus that is told of the services by the registry', () => {
  let prometheus: TestPrometheus;
  beforeAll(async () => {
    const registry = stage.registry.httpAddress;
    prometheus = await startPrometheus({
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [
        { job_name: 'weft-registry', static_configs: [{ targets: [registry] }] },
        {
          job_name: 'weft-service',
          http_sd_configs: [{ url: `http://${registry}/sd`, refresh_interval: '1s' }],
        },
      ],
    });
  });
  afterAll(() => prometheus?.end());

  it('sees the load that is sent, at caller, callee and registry, within 5 %', async () => {
    const rate = async (of: string) => (await prometheus.query(`sum(rate(${of}[15s]))`))[0]?.value;
    await eventually(async () => expect(await prometheus.query('up == 1')).toHaveLength(3), {
      withinMs: 20_000,
      everyMs: 200,
    });
    const calls = callSteadily(100, () => users.getUser({ id: 'x' }));
    const lists = callSteadily(40, async () => {
      await stage.admin.listServices({});
      return {};
    });
    try {
      // A machine that stands still for a second while a window is read bends that one window.
      await eventually(
        async () => {
          const ok = 'grpc_code="OK"';
          const seen = {
            caller: await rate(`grpc_client_handled_total{service="shop",callee="echo",${ok}}`),
            callee: await rate(`grpc_server_handled_total{service="echo",instance="a",${ok}}`),
            timed: await rate('grpc_server_handling_seconds_count{service="echo"}'),
            registry: await rate(
              `grpc_server_handled_total{job="weft-registry",grpc_method="ListServices",${ok}}`,
            ),
          };
          const sent = { caller: 100, callee: 100, timed: 100, registry: 40 };
          for (const [where, perSecond] of Object.entries(sent)) {
            const ratio = (seen[where as keyof typeof seen] ?? 0) / perSecond;
            expect([where, Math.abs(ratio - 1) <= 0.05, ratio]).toEqual([where, true, ratio]);
          }
        },
        { withinMs: 45_000, everyMs: 500 },
      );
    } finally {
      await Promise.all([calls.stop(), lists.stop()]);
    }
    expect([...calls.failures(), ...lists.failures()]).toEqual([]);
  }, 90_000);
});
