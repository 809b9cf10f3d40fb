import { messageOf } from '@weft/proto';
import { OrchestratorError } from './errors.ts';
import type { Slot } from './slot/slot.ts';

/** Between two tries to write. */
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
 * Keeps a file that names the running processes in step with what runs. When the file cannot be written, as on
 * a full disk, it is tried again and again. Meanwhile a process that the file does not name is ended: if we
 * crashed, nobody would find it.
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

  /** Writes the file, now or as soon as that is possible. */
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

  /** Tries no more. */
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
