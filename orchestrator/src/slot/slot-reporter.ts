import type { Slot } from './slot.ts';
import type { SlotState } from './slot-state.ts';

interface Seen {
  readonly kind: SlotState['kind'];
  readonly isHealthy: boolean;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Puts the changes of slots into sentences, each change once. */
export class SlotReporter {
  readonly #seen = new WeakMap<Slot, Seen>();

  /** The sentence for what changed since the slot was last told about; undefined when nothing worth one did. */
  describe(slot: Slot): string | undefined {
    const { state, isHealthy, name } = slot;
    const before = this.#seen.get(slot);
    this.#seen.set(slot, { kind: state.kind, isHealthy });
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
    if (state.kind !== 'running' || before.isHealthy === isHealthy) return undefined;
    return isHealthy ? `${name} answers SERVING again` : `${name} does not answer SERVING`;
  }
}
