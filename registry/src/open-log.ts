import { openLogDestination } from '@weft/proto';
import { type Logger, pino } from 'pino';

/** The log of a registry process, on standard error: lines for people at a terminal, JSON elsewhere. */
export async function openLog(level: string): Promise<Logger> {
  const lines = openLogDestination(2);
  if (process.stderr.isTTY !== true) return pino({ level }, lines);
  // What only people need takes its time to load.
  const { default: pretty } = await import('pino-pretty');
  return pino(
    { level },
    pretty({ destination: lines.toStream(), sync: true, ignore: 'pid,hostname' }),
  );
}
