import { ConfigError } from '../errors.ts';

/** Where a setting stands: `['services', 'user-service', 'retry']`. */
export type SettingPath = readonly string[];

/** One thing wrong with a configuration. */
export interface Fault {
  readonly path: SettingPath;
  /** To be read after the path: `must be a whole number from 1, not 0`. */
  readonly complaint: string;
}

const LONGEST_SHOWN = 60;

function shortened(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 3)}...` : text;
}

/** A value as an error tells of it; never fails, never long. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return shortened(JSON.stringify(value.slice(0, LONGEST_SHOWN)));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}

function partText(part: string): string {
  if (/^\d{1,9}$/.test(part)) return `[${part}]`;
  return /^[\w$][\w$-]{0,62}$/.test(part) ? `.${part}` : `[${shown(part)}]`;
}

/** `services.user-service.retry`, `routes[0]`; what is no plain name in quotes: `methods["a b"]`. */
export function settingText(path: SettingPath): string {
  return path.map(partText).join('').replace(/^\./, '');
}

/** Collects what is wrong with a configuration, so that one look names all of it. */
export class Faults {
  readonly #faults: Fault[] = [];

  get all(): readonly Fault[] {
    return this.#faults;
  }

  /** Notes a complaint, which is read after the path. */
  add(path: SettingPath, complaint: string): void {
    this.#faults.push({ path, complaint });
  }

  /** Notes that the value at `path` is not what it must be. */
  mustBe(path: SettingPath, what: string, value: unknown): void {
    this.add(path, `must be ${what}, not ${shown(value)}`);
  }

  /** Runs a check that throws ConfigError, and notes what it says. */
  run(path: SettingPath, check: (setting: string) => void): void {
    try {
      check(settingText(path));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.add(path, error.complaint);
    }
  }

  /**
   * @param source what the configuration was read from, if not from code: `$WEFT_POLICIES`
   * @throws ConfigError for the first fault, its message naming the others too
   */
  throwIfAny(source = ''): void {
    const [first, ...others] = this.#faults;
    if (first === undefined) return;
    const rest = others.map(({ path, complaint }) => `; ${settingText(path)} ${complaint}`);
    const setting = [source, settingText(first.path)].filter((part) => part !== '').join(': ');
    throw new ConfigError(setting || 'options', first.complaint + rest.join(''));
  }
}
