import { parseExactJson } from '../exact-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { clock } from './clock.ts';

/** One line of a log. */
export interface LogLine {
  /** The line as it was written. */
  readonly raw: string;
  /** When it was written, milliseconds since 1970; undefined for a line that does not say. */
  readonly timeMs: number | undefined;
  /** The same for people: of a JSON line only time, level, message and what belongs to this event. */
  readonly text: string;
}

/** Pino's. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

function timeOf({ time, ts }: JsonObject): number | undefined {
  if (typeof time === 'number') return time;
  const ms = typeof ts === 'string' ? Date.parse(ts) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function levelText(level: JsonValue | undefined): string {
  if (typeof level === 'number') return LEVELS[level] ?? String(level);
  return typeof level === 'string' ? level.toUpperCase() : '';
}

function fieldText([name, value]: [string, JsonValue]): string {
  // An error: its stack is in the raw line.
  const shown = isJsonObject(value) && typeof value.message === 'string' ? value.message : value;
  return `${name}=${typeof shown === 'string' && /^\S+$/.test(shown) ? shown : JSON.stringify(shown)}`;
}

function parsed(raw: string): JsonObject | undefined {
  if (!raw.startsWith('{')) return undefined;
  try {
    const value = parseExactJson(raw);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a line: JSON as pino and etcd write it, or anything else, which stays as it is. */
export function readLine(raw: string): LogLine {
  const entry = parsed(raw);
  const timeMs = entry && timeOf(entry);
  if (entry === undefined || timeMs === undefined) return { raw, timeMs: undefined, text: raw };
  const { time, ts, level, msg, name, pid, hostname, caller, v, ...fields } = entry;
  const parts = [
    clock(timeMs),
    levelText(level).padEnd(5),
    typeof msg === 'string' ? msg : '',
    ...Object.entries(fields).map(fieldText),
  ];
  return { raw, timeMs, text: parts.filter((part) => part !== '').join(' ') };
}
