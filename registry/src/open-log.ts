import { type Logger, pino } from 'pino';

/** The log of a registry process, on standard error: lines for people at a terminal, JSON elsewhere. */
export async function openLog(level: string): Promise<Logger> {
  if (process.stderr.isTTY !== true) {
    return pino({ level }, pino.destination({ dest: 2, sync: true }));
  }
  // What only people need takes its time to load.
  const { default: pretty } = await import('pino-pretty');
  return pino({ level }, pretty({ destination: 2, sync: true, ignore: 'pid,hostname' }));
}
