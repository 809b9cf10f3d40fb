import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { Outcome } from './classify.ts';

/** closed: traffic flows. open: none does. half-open: one probe finds out. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerSettings {
  /** It opens at this many failures within the window, if they are more than half of all outcomes. */
  failures: number;
  /** How long it stays open before a probe, in ms. */
  resetMs: number;
  /** How long a probe may take before it counts as failed, in ms. */
  probeTimeoutMs: number;
  /** Rolling window over which outcomes are counted, in ms. */
  windowMs: number;
}

/** Number of steps in which the window rolls. */
export const WINDOW_BUCKETS = 10;

/** What an attempt takes along from its start to its end. */
export interface Passage {
  readonly generation: number;
  readonly probe: Probe | undefined;
}

interface Probe {
  readonly timer: NodeJS.Timeout;
}

const failed = new Error('attempt failed');
const report = (outcome: Outcome) =>
  outcome === 'failure' ? Promise.reject(failed) : Promise.resolve();
const ignoreRejection = () => {};

/**
 * The circuit breaker of one instance: opossum, told of each attempt when it ends.
 *
 * An outcome counts only in the state it started in: every change of state begins a new generation,
 * and what comes from an older one is dropped. A neutral outcome changes nothing. In half-open one
 * probe at a time passes, and a probe that does not end in time counts as failed.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[Outcome], void>;
  readonly #settings: BreakerSettings;
  readonly #rotation: EventEmitter;
  /** The window of this breaker alone, so that it can be emptied. */
  readonly #window = new EventEmitter();
  readonly #roll = () => void this.#window.emit('rotate');
  #generation = 0;
  #probe: Probe | undefined;

  /**
   * @param rotation emits `rotate` each `windowMs / WINDOW_BUCKETS`; one serves all breakers
   * @param onChange called after each change of state
   */
  constructor(settings: BreakerSettings, rotation: EventEmitter, onChange: () => void) {
    this.#settings = settings;
    this.#rotation = rotation.on('rotate', this.#roll);
    this.#circuit = new CircuitBreaker(report, {
      timeout: false,
      resetTimeout: settings.resetMs,
      // opossum would count all outcomes towards its threshold; ours counts failures, see below.
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      rollingCountTimeout: settings.windowMs,
      rollingCountBuckets: WINDOW_BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#window,
    });
    this.#circuit.on('failure', () => {
      const { failures, fires } = this.#circuit.stats;
      if (failures >= settings.failures && failures > fires / 2) this.#circuit.open();
    });
    const changed = () => {
      this.#generation += 1;
      this.#endProbe();
      onChange();
    };
    this.#circuit.on('open', changed);
    this.#circuit.on('halfOpen', changed);
    this.#circuit.on('close', () => {
      // What opened it is over: it takes as many failures as at first to open it again.
      for (let bucket = 0; bucket < WINDOW_BUCKETS; bucket += 1) this.#roll();
      changed();
    });
  }

  get state(): BreakerState {
    if (this.#circuit.opened) return 'open';
    return this.#circuit.halfOpen ? 'half-open' : 'closed';
  }

  /** Whether a probe would pass now. */
  get hasFreeProbe(): boolean {
    return this.state === 'half-open' && this.#probe === undefined;
  }

  /** Lets an attempt pass; in half-open it takes the probe. Undefined when refused. */
  admit(): Passage | undefined {
    switch (this.state) {
      case 'closed':
        return { generation: this.#generation, probe: undefined };
      case 'open':
        return undefined;
      case 'half-open':
        return this.#probe === undefined
          ? { generation: this.#generation, probe: this.#startProbe() }
          : undefined;
    }
  }

  /** The admitted attempt has ended; neutral if it was never sent. */
  ended({ generation, probe }: Passage, outcome: Outcome): void {
    if (generation !== this.#generation) return;
    if (probe !== undefined && probe !== this.#probe) return;
    this.#endProbe();
    if (outcome === 'neutral') return;
    // Answers through the events above; the rejection is the failure it was told of.
    this.#circuit.fire(outcome).catch(ignoreRejection);
  }

  /** Stops its timers and forgets its listeners. It refuses nothing and counts nothing from then on. */
  close(): void {
    this.#generation += 1;
    this.#endProbe();
    this.#rotation.off('rotate', this.#roll);
    this.#circuit.shutdown();
  }

  #startProbe(): Probe {
    const probe: Probe = {
      timer: setTimeout(
        () => this.ended({ generation: this.#generation, probe }, 'failure'),
        this.#settings.probeTimeoutMs,
      ),
    };
    probe.timer.unref();
    this.#probe = probe;
    return probe;
  }

  #endProbe(): void {
    clearTimeout(this.#probe?.timer);
    this.#probe = undefined;
  }
}
