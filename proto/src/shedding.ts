import { onEventLoopLag } from './event-loop-lag.ts';
import { LoadShedder } from './load-shedder.ts';
import { pushbackStatus } from './pushback.ts';
import type { SentStatus } from './refused-call.ts';

/** When new calls are refused, and what those are told. */
export interface SheddingSettings {
  /** Lag of the event loop above which new calls are refused, in ms. */
  readonly maxLagMs: number;
  /** After how long a refused call may be tried again, in ms, a quarter more or less. */
  readonly pushbackMs: number;
}

const DETAILS = 'the server is overloaded and took no new call; try again later, or elsewhere';

/** RESOURCE_EXHAUSTED, reason OVERLOADED, with RetryInfo and pushback of `pushbackMs`. */
export function overloadedStatus(pushbackMs: number): SentStatus {
  return pushbackStatus(DETAILS, { reason: 'OVERLOADED' }, pushbackMs);
}

/** Watches the event loop from `start` to `stop`, and meanwhile refuses calls when it lags. */
export class Shedding {
  readonly #settings: SheddingSettings;
  readonly #random: () => number;
  readonly #shedder: LoadShedder;
  #stop: (() => void) | undefined;

  /** @param random spreads the pushback, so that those refused at once do not come back at once */
  constructor(settings: SheddingSettings, random: () => number = Math.random) {
    this.#settings = settings;
    this.#random = random;
    this.#shedder = new LoadShedder(settings.maxLagMs);
  }

  start(): void {
    this.#stop ??= onEventLoopLag((lagMs, nowMs) => this.#shedder.sample(lagMs, nowMs));
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** What a call that comes now is refused with; undefined when it is taken. */
  refusal(): SentStatus | undefined {
    if (!this.#shedder.isShedding) return undefined;
    return overloadedStatus(Math.round(this.#settings.pushbackMs * (0.75 + this.#random() / 2)));
  }
}
