import type { Log } from '@weft/proto';

/** A log that keeps what it is told: `level message`, with the error's message behind it. */
export function recordedLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (fields: object, message?: string): void => {
      const { err } = fields as { err?: Error };
      lines.push(`${level} ${message}${err === undefined ? '' : `: ${err.message}`}`);
    };
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log: log as Log, lines };
}
