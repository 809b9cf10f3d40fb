/** What Weft logs to; a pino logger fits. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

const ignore = () => {};

/** Logs nothing. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
