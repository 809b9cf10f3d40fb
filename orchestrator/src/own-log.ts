import { type Log, openLogDestination } from '@weft/proto';
import { pino } from 'pino';
import { openLog } from './process/log-file.ts';

/** The orchestrator's own log, as JSON lines in a file. On a full disk lines are lost, and nothing else. */
export function openOwnLog(file: string): Log {
  return pino({ name: 'weft' }, openLogDestination(openLog(file)));
}
