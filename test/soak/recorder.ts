import { Contents } from './contents.ts';
import type {
  Departure,
  Disturbance,
  DrainRecord,
  EtcdChange,
  History,
  PollHistory,
  WatchHistory,
  WriteRecord,
} from './history.ts';

/** Takes down what happens, by one clock. */
export class Recorder implements History {
  readonly contents = new Contents();
  readonly changes: EtcdChange[] = [];
  readonly watches: WatchHistory[] = [];
  readonly writes: WriteRecord[] = [];
  readonly departures: Departure[] = [];
  readonly polls: PollHistory[] = [];
  readonly drains: DrainRecord[] = [];
  readonly disturbances: Disturbance[] = [];
  readonly compactions: number[] = [];
  readonly #startedAt = performance.now();

  /** Ms since the run began. */
  get nowMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  /** Begins a disturbance; the answer ends it. */
  disturb(what: string): () => void {
    const disturbance: Disturbance = { what, atMs: this.nowMs, untilMs: undefined };
    this.disturbances.push(disturbance);
    return () => {
      disturbance.untilMs = this.nowMs;
    };
  }

  /** What is broken now. */
  get broken(): string[] {
    return this.disturbances.filter(({ untilMs }) => untilMs === undefined).map(({ what }) => what);
  }
}
