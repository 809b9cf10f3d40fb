import { cut } from '../output/log-excerpt.ts';
import { readLine } from '../output/log-line.ts';
import type { Slot } from './slot.ts';
import type { SlotState } from './slot-state.ts';

/** How much of a line of a log a report shows, in characters. */
const MAX_LINE_LENGTH = 160;

interface Seen {
  readonly kind: SlotState['kind'];
  readonly isHealthy: boolean;
  readonly lateMs: number;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function lateText({ name, lateMs, lacks, lastLine, logFile }: Slot): string {
  const why = lacks === '' ? '' : `: ${lacks}`;
  const line = readLine(lastLine).text;
  const log = line === '' ? '' : `; ${logFile} ends with: ${cut(line, MAX_LINE_LENGTH)}`;
  return `${name} is not healthy yet after ${lateMs / 1000} s${why}${log}`;
}

/** Puts the changes of slots into sentences, each change once. */
export class SlotReporter {
  readonly #seen = new WeakMap<Slot, Seen>();

  /** The sentence for what changed since the slot was last told about; undefined when nothing worth one did. */
  describe(slot: Slot): string | undefined {
    const { state, isHealthy, lateMs, name } = slot;
    const before = this.#seen.get(slot);
    this.#seen.set(slot, { kind: state.kind, isHealthy, lateMs });
    if (before?.kind !== state.kind) {
      switch (state.kind) {
        case 'running':
          if (slot.isAdopted)
            return `${name} runs on at ${slot.address} (pid ${slot.pid}): taken over`;
          return `${name} runs at ${slot.address} (pid ${slot.pid}, ${seconds(Date.now() - Number(slot.startTime))})`;
        case 'backoff':
          return `${name} ${slot.wasEnded ? 'was ended' : 'ended by itself'} (${slot.lastExit}); starting it again in ${seconds(state.waitMs)}`;
        case 'stopped':
          return before?.kind === 'stopping' ? `${name} stopped (${slot.lastExit})` : undefined;
        default:
          return undefined;
      }
    }
    if (state.kind === 'starting' && lateMs > before.lateMs) return lateText(slot);
    if (state.kind !== 'running' || before.isHealthy === isHealthy) return undefined;
    return isHealthy ? `${name} answers SERVING again` : `${name} does not answer SERVING`;
  }
}
