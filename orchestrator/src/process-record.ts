import { messageOf } from '@weft/proto';
import { OrchestratorError } from './errors.ts';
import type { Slot } from './slot/slot.ts';

/** Wait between two attempts to write the file. */
const RETRY_MS = 1000;

export interface ProcessRecordOptions {
  readonly file: string;
  /** Writes the file. @returns the processes that it names now */
  readonly write: () => readonly { readonly pid: number }[];
  /** The processes that the file names already. */
  readonly recorded: readonly { readonly pid: number }[];
  /** Every slot whose process the file is to name. */
  readonly slots: () => readonly Slot[];
  /** Called with a sentence for the user. */
  readonly onNews: (text: string) => void;
}

/**
 * Keeps a file of the running processes up to date, so that the next `weft` finds them if this one crashes. If the
 * file cannot be written, as on a full disk, the write is retried every second. Until it succeeds, each process that
 * the file does not name is ended.
 */
export class ProcessRecord {
  readonly #options: ProcessRecordOptions;
  #recorded: ReadonlySet<number>;
  #hasFailed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProcessRecordOptions) {
    this.#options = options;
    this.#recorded = new Set(options.recorded.map(({ pid }) => pid));
  }

  /** Writes the file. @throws OrchestratorError if that is not possible */
  write(): void {
    const { file, write } = this.#options;
    try {
      this.#recorded = new Set(write().map(({ pid }) => pid));
    } catch (error) {
      throw new OrchestratorError(`cannot write ${file}: ${messageOf(error)}; free some space`);
    }
  }

  /** Writes the file. If that fails, retries until it succeeds, and ends the processes that the file lacks. */
  update(): void {
    const { onNews, file } = this.#options;
    clearTimeout(this.#timer);
    try {
      this.write();
      if (this.#hasFailed) onNews(`${file} is written again`);
      this.#hasFailed = false;
    } catch (error) {
      const reason = messageOf(error);
      if (!this.#hasFailed) onNews(`${reason}. Until then, processes that start are ended again`);
      this.#hasFailed = true;
      this.#timer = setTimeout(() => this.update(), RETRY_MS);
      this.#endUnrecorded(reason);
    }
  }

  /** Ends the retries. */
  close(): void {
    clearTimeout(this.#timer);
  }

  #endUnrecorded(reason: string): void {
    for (const slot of this.#options.slots()) {
      if (slot.pid === undefined || this.#recorded.has(slot.pid)) continue;
      slot.endProcess(`could not be recorded: ${reason}`);
    }
  }
}
