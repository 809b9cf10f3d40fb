import { BreakerState, type BreakerStatus } from '@weft/proto/telemetry';
import pc from 'picocolors';
import { type ColumnsOptions, columns } from './columns.ts';
import { durationText } from './duration.ts';
import { enumName } from './enum-name.ts';
import { callerName } from './event-line.ts';

const TITLES = ['service', 'instance', 'state', 'held by', 'since'];

export function breakerStateName(state: number): string {
  return enumName(BreakerState, state, 'BREAKER_STATE_');
}

/**
 * Breakers, one a line.
 * @param options.nowMs the clock of the registry, which says since when
 */
export function breakersTable(
  breakers: readonly BreakerStatus[],
  options: ColumnsOptions & { nowMs: number },
): string {
  const { red, yellow } = pc.createColors(options.isColored);
  const rows = breakers.map(({ caller, breaker, since }) => {
    const state = breaker?.state ?? BreakerState.BREAKER_STATE_UNSPECIFIED;
    const paint = state === BreakerState.BREAKER_STATE_OPEN ? red : yellow;
    const sinceMs = since?.getTime() ?? options.nowMs;
    return [
      breaker?.service ?? '',
      breaker?.instanceId ?? '',
      paint(`${breakerStateName(state)}${breaker?.isForced ? ' by hand' : ''}`),
      callerName(caller),
      `${durationText(options.nowMs - sinceMs)} ago`,
    ];
  });
  return columns(TITLES, rows, options);
}
