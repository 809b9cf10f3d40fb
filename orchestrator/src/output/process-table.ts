import { ProcessState, type ProcessStatus } from '@weft/proto/orchestrator';
import type { ProcessRow } from '../mesh-view/process-rows.ts';
import { type ColumnsOptions, columns } from './columns.ts';
import { durationText } from './duration.ts';
import { enumName } from './enum-name.ts';
import { addressOf, healthName, paintStatus, statusName } from './instances-table.ts';

export interface ProcessTableOptions extends ColumnsOptions {
  /** Wall clock, for how long something is up. */
  readonly nowMs: number;
}

function stateName({ state }: ProcessStatus): string {
  return enumName(ProcessState, state, 'PROCESS_STATE_').toLowerCase();
}

function stateText({ process, instance }: ProcessRow, nowMs: number): string {
  const since = process?.startTime ?? instance?.startTime;
  const up = since === undefined ? 'up' : `up ${durationText(nowMs - since.getTime())}`;
  if (process === undefined) return up;
  const isUp = process.state === ProcessState.PROCESS_STATE_RUNNING;
  const restarts = process.restarts > 0 ? `, ${process.restarts} restarts` : '';
  if (isUp) return `${up}${process.healthy ? '' : ', unhealthy'}${restarts}`;
  const why = process.lastExit === '' ? '' : ` (${process.lastExit})`;
  return `${stateName(process)}${why}${restarts}`;
}

function listedText({ instance }: ProcessRow, isColored: boolean): string {
  if (instance === undefined) return '-';
  const health = healthName(instance);
  const status = paintStatus(statusName(instance), isColored);
  return health === '-' || health === 'SERVING'
    ? status
    : `${status}, ${paintStatus(health, isColored)}`;
}

const TITLES = ['name', 'pid', 'service', 'instance', 'state', 'registered', 'address'];

/** Processes and instances, one a line; `-` where it is not known here, or not so. */
export function processTable(rows: readonly ProcessRow[], options: ProcessTableOptions): string {
  const cells = rows.map((row) => {
    const { service, process, instance } = row;
    return [
      process?.name ?? '-',
      process?.pid ? String(process.pid) : '-',
      service,
      (instance?.id ?? process?.instanceId) || '-',
      stateText(row, options.nowMs),
      listedText(row, options.isColored),
      (instance === undefined ? process?.address : addressOf(instance)) || '-',
    ];
  });
  return columns(TITLES, cells, options);
}

/** The same for programs: what is not known is left out. */
export function processJson({ service, process, instance }: ProcessRow): object {
  return {
    service,
    ...(process && {
      name: process.name,
      pid: process.pid,
      state: stateName(process),
      healthy: process.healthy,
      restarts: process.restarts,
      lastExit: process.lastExit,
    }),
    startTime: (process?.startTime ?? instance?.startTime)?.toISOString(),
    address: instance === undefined ? process?.address : addressOf(instance),
    instanceId: instance?.id ?? process?.instanceId,
    ...(instance && { registered: { status: statusName(instance), health: healthName(instance) } }),
  };
}
