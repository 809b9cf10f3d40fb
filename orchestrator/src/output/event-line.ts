import { type Caller, type Event, EventKind } from '@weft/proto/telemetry';
import { clock } from './clock.ts';
import { enumName } from './enum-name.ts';

/** A caller in one word: `order-service/7f3a`, or the name of a program that offers nothing. */
export function callerName(caller: Caller | undefined): string {
  const { service = '', instanceId = '' } = caller ?? {};
  return [service, instanceId].filter((part) => part !== '').join('/');
}

/** An event as a line for people. */
export function eventLine({ time, kind, service, instanceId, caller, detail }: Event): string {
  const name = enumName(EventKind, kind, 'EVENT_KIND_');
  const parts = [
    clock(time?.getTime() ?? 0),
    name.padEnd(19),
    instanceId === '' ? service : `${service}/${instanceId}`,
    ...(caller === undefined ? [] : [`by ${callerName(caller)}`]),
    detail,
  ];
  return parts.join('  ').trimEnd();
}
