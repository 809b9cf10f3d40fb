import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '@weft/proto';
import { pino } from 'pino';
import { boundLog } from './process/log-file.ts';

/** The orchestrator's own log, as JSON lines in a file. */
export function openOwnLog(file: string): Log {
  mkdirSync(dirname(file), { recursive: true });
  boundLog(file);
  return pino({ name: 'weft' }, pino.destination({ dest: file, append: true, sync: true }));
}
