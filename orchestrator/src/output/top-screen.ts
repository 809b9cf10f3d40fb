import type { Scaling } from '@weft/proto/orchestrator';
import { type Instance, InstanceStatus } from '@weft/proto/registry';
import type { WatchTrafficResponse } from '@weft/proto/telemetry';
import pc from 'picocolors';
import { noTraffic, plus, type Traffic, trafficBy } from '../mesh-view/traffic.ts';
import { columns } from './columns.ts';
import { addressOf, statusName } from './instances-table.ts';
import { boundsText, loadText } from './scaling-text.ts';
import { latencyText, rateText, shareText } from './traffic-text.ts';

/** What there is to show. */
export interface TopView {
  /** The registry asked. */
  readonly registry: string;
  readonly instances: readonly Instance[];
  readonly traffic: Pick<WatchTrafficResponse, 'instances' | 'breakers'>;
  /** How services follow their load, by name, where the mesh asked is the one that is up here. */
  readonly scaling: ReadonlyMap<string, Scaling>;
  /** Why what is shown may be old; empty when it is not. */
  readonly trouble: string;
}

/** What one line tells, of a service or an instance. */
export interface TopRow {
  readonly service: string;
  /** Undefined for a service. */
  readonly instance: Instance | undefined;
  readonly instances: number;
  readonly running: number;
  readonly traffic: Traffic;
  /** Breakers against it that are not closed. */
  readonly breakers: number;
}

const isRunning = ({ status }: Instance) => status === InstanceStatus.INSTANCE_STATUS_RUNNING;

/** By traffic, the most first, then by name. */
function byTraffic(a: TopRow, b: TopRow): number {
  const nameOf = ({ service, instance }: TopRow) => `${service}/${instance?.id ?? ''}`;
  const more = b.traffic.callsPerSecond - a.traffic.callsPerSecond;
  return more || (nameOf(a) < nameOf(b) ? -1 : 1);
}

/** The services and the instances of a mesh, each by traffic. Pure. */
export function topRows({ instances, traffic }: TopView): {
  services: TopRow[];
  instances: TopRow[];
} {
  const seen = trafficBy(traffic.instances, (edge) => `${edge.service}/${edge.instanceId}`);
  const breakers = new Map<string, number>();
  for (const { breaker } of traffic.breakers) {
    const key = `${breaker?.service}/${breaker?.instanceId}`;
    breakers.set(key, (breakers.get(key) ?? 0) + 1);
  }
  const rows = instances.map((instance): TopRow => {
    const key = `${instance.service}/${instance.id}`;
    return {
      service: instance.service,
      instance,
      instances: 1,
      running: isRunning(instance) ? 1 : 0,
      traffic: seen.get(key) ?? noTraffic,
      breakers: breakers.get(key) ?? 0,
    };
  });
  const services = new Map<string, TopRow>();
  for (const row of rows) {
    const sum = services.get(row.service);
    services.set(row.service, {
      service: row.service,
      instance: undefined,
      instances: (sum?.instances ?? 0) + 1,
      running: (sum?.running ?? 0) + row.running,
      traffic: plus(sum?.traffic ?? noTraffic, row.traffic),
      breakers: (sum?.breakers ?? 0) + row.breakers,
    });
  }
  return { services: [...services.values()].sort(byTraffic), instances: rows.sort(byTraffic) };
}

function numbers({ traffic, breakers }: TopRow): string[] {
  const { callsPerSecond, errorsPerSecond, p99Ms } = traffic;
  return [
    rateText(callsPerSecond),
    shareText(errorsPerSecond, callsPerSecond),
    latencyText(p99Ms),
    breakers === 0 ? '-' : `${breakers} not closed`,
  ];
}

const NUMBERS = ['calls/s', 'errors', 'p99', 'breakers'];
const SCALING = ['scales', 'load each'];
const MORE = 1;

/** As many lines as there is room for; the last one then says how many are left out. */
function fitted(lines: readonly string[], room: number): string[] {
  if (lines.length <= room) return [...lines];
  const shown = lines.slice(0, Math.max(0, room - MORE));
  return [...shown, `... ${lines.length - shown.length} more`];
}

export interface ScreenSize {
  /** Lines there are; Infinity for all. */
  readonly rows: number;
  /** Characters of a line; Infinity for all. */
  readonly columns: number;
}

/** What `weft top` shows: a line on the whole, the services, the instances; cut to fit. */
export function topScreen(view: TopView, size: ScreenSize, isColored: boolean): string {
  const { bold, red } = pc.createColors(isColored);
  const { services, instances } = topRows(view);
  const all = services.reduce((sum, { traffic }) => plus(sum, traffic), noTraffic);
  const cut = (line: string) => line.slice(0, size.columns);
  const plain = { isColored: false };
  const { scaling } = view;
  const scaled = (row: TopRow) => {
    const how = scaling.get(row.service);
    return how === undefined ? ['-', '-'] : [boundsText(how), loadText(how)];
  };
  const serviceLines = columns(
    ['service', 'instances', 'running', ...NUMBERS, ...(scaling.size > 0 ? SCALING : [])],
    services.map((row) => [
      row.service,
      String(row.instances),
      String(row.running),
      ...numbers(row),
      ...(scaling.size > 0 ? scaled(row) : []),
    ]),
    plain,
  ).split('\n');
  const instanceLines = columns(
    ['instance', 'status', 'address', ...NUMBERS],
    instances.map((row) => [
      `${row.service}/${row.instance?.id}`,
      row.instance === undefined ? '' : statusName(row.instance),
      row.instance === undefined ? '' : addressOf(row.instance),
      ...numbers(row),
    ]),
    plain,
  ).split('\n');
  const share = shareText(all.errorsPerSecond, all.callsPerSecond);
  const summary = `${view.registry}: ${services.length} services, ${instances.length} instances, ${rateText(all.callsPerSecond)} calls/s, ${share} errors`;
  // The summary, and an empty line before each table.
  const room = size.rows - 3;
  // Services get at most half, if instances need the rest.
  const forInstances = Math.min(instanceLines.length, Math.ceil(room / 2));
  const shownServices = fitted(serviceLines, Math.max(2, room - forInstances));
  const shownInstances = fitted(instanceLines, Math.max(2, room - shownServices.length));
  const table = ([head = '', ...lines]: string[]) => [bold(cut(head)), ...lines.map(cut)];
  return [
    view.trouble === '' ? cut(summary) : red(cut(`${summary} - ${view.trouble}`)),
    '',
    ...table(shownServices),
    '',
    ...table(shownInstances),
  ].join('\n');
}
