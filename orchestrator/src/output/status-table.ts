import {
  type GetStatusResponse,
  ProcessState,
  type ProcessStatus,
  type ServiceStatus,
} from '@weft/proto/orchestrator';
import Table from 'cli-table3';
import pc from 'picocolors';
import { durationText } from './duration.ts';
import { boundsText, loadText } from './scaling-text.ts';

export interface StatusTableOptions {
  /** Wall clock, for the uptime. */
  readonly nowMs: number;
  readonly isColored: boolean;
}

const HEAD = ['service', 'instances', 'running', 'port', 'health', 'uptime'];
/** Where a service follows its load: what each instance bears. */
const LOAD = 'load each';

function isRunning({ state }: ProcessStatus): boolean {
  return state === ProcessState.PROCESS_STATE_RUNNING;
}

function portText(running: readonly ProcessStatus[]): string {
  const ports = running.map(({ address }) => address.slice(address.lastIndexOf(':') + 1));
  return ports.join(', ') || '-';
}

function instancesText({ desiredInstances, scaling }: ServiceStatus): string {
  return scaling === undefined
    ? String(desiredInstances)
    : `${desiredInstances} (${boundsText(scaling)})`;
}

function healthText({ desiredInstances, processes }: ServiceStatus): string {
  const serving = processes.filter((one) => isRunning(one) && one.healthy).length;
  if (serving === desiredInstances && serving === processes.length) {
    return serving === 0 ? '-' : 'SERVING';
  }
  const backoff = processes.find(({ state }) => state === ProcessState.PROCESS_STATE_BACKOFF);
  const why = backoff ? ` (${backoff.lastExit})` : '';
  return `${serving} of ${desiredInstances} SERVING${why}`;
}

/** How long the instances have been up: of the youngest, and of the oldest where that reads differently. */
function uptimeText(running: readonly ProcessStatus[], nowMs: number): string {
  const uptimes = running
    .flatMap(({ startTime }) => (startTime ? [nowMs - startTime.getTime()] : []))
    .sort((a, b) => a - b);
  const [youngest, oldest] = [uptimes.at(0), uptimes.at(-1)];
  if (youngest === undefined || oldest === undefined) return '-';
  const ends = new Set([durationText(youngest), durationText(oldest)]);
  return [...ends].join(' to ');
}

/** The status as a table: one row per service. */
export function statusTable(
  { services }: Pick<GetStatusResponse, 'services'>,
  { nowMs, isColored }: StatusTableOptions,
): string {
  const colors = pc.createColors(isColored);
  const isScaling = services.some(({ scaling }) => scaling !== undefined);
  const table = new Table({
    head: [...HEAD, ...(isScaling ? [LOAD] : [])].map((title) => colors.bold(title)),
    style: { head: [], border: [] },
  });
  for (const service of services) {
    const running = service.processes.filter(isRunning);
    const health = healthText(service);
    const paint = health.startsWith('SERVING') || health === '-' ? colors.green : colors.red;
    table.push([
      service.name,
      instancesText(service),
      running.length,
      portText(running),
      paint(health),
      uptimeText(running, nowMs),
      ...(isScaling ? [service.scaling === undefined ? '-' : loadText(service.scaling)] : []),
    ]);
  }
  return table.toString();
}
