import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { Caller } from '@weft/proto/telemetry';

/** What a program that offers no service is called by people: `buy.mts@host:4711`. */
export function clientName(): string {
  const program = basename(process.argv[1] ?? 'node');
  return `${program}@${hostname()}:${process.pid}`.slice(0, 128);
}

/** A caller in one word: `order-service/7f3a`, or the name of a program that offers nothing. */
export function callerText({ service, instanceId }: Caller): string {
  return service === '' ? instanceId : `${service}/${instanceId}`;
}
