import { EventEmitter } from 'node:events';
import CircuitBreaker from 'opossum';
import type { Outcome } from './classify.ts';
import { WINDOW_BUCKETS, type WindowRotation } from './window-rotation.ts';

/** closed: traffic flows. open: none does. half-open: one probe finds out. */
export type BreakerState = 'closed' | 'open' | 'half-open';

export interface BreakerSettings {
  /** It opens at this many failures within the window, if they are more than half of all outcomes. */
  readonly failures: number;
  /** How long it stays open before a probe, in ms. */
  readonly resetMs: number;
  /** How long a probe may take before it counts as failed, in ms. */
  readonly probeTimeoutMs: number;
  /** Rolling window over which outcomes are counted, in ms. */
  readonly windowMs: number;
}

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
  readonly #settings: BreakerSettings;
  readonly #rotation: WindowRotation;
  readonly #onChange: (from: BreakerState, to: BreakerState) => void;
  /** The window of this breaker alone, so that it can be emptied. */
  readonly #window = new EventEmitter();
  #circuit: CircuitBreaker<[Outcome], void> | undefined;
  #state: BreakerState = 'closed';
  #isForced = false;
  #isDisposed = false;
  #generation = 0;
  #passage: Passage = { generation: 0, probe: undefined };
  #probe: Probe | undefined;
  /** Steps of the window since the last outcome. */
  #quietSteps = 0;

  /**
   * @param rotation rolls the windows of all breakers
   * @param onChange called after each change of state
   */
  constructor(
    settings: BreakerSettings,
    rotation: WindowRotation,
    onChange: (from: BreakerState, to: BreakerState) => void,
  ) {
    this.#settings = settings;
    this.#rotation = rotation;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether it was opened by hand, and stays so until it is closed by hand. */
  get isForced(): boolean {
    return this.#isForced;
  }

  /** Failures counted in the window. */
  get failures(): number {
    return this.#circuit?.stats.failures ?? 0;
  }

  /** Whether a probe would pass now. */
  get hasFreeProbe(): boolean {
    return this.#state === 'half-open' && this.#probe === undefined && !this.#isDisposed;
  }

  /**
   * Lets an attempt pass; in half-open it takes the probe.
   * @param isUnary whether one response ends the attempt; a stream need not respond
   * @returns undefined if it may not pass
   */
  admit(isUnary = true): Passage | undefined {
    if (this.#state === 'closed') return this.#passage;
    if (!this.hasFreeProbe) return undefined;
    return { generation: this.#generation, probe: this.#startProbe(isUnary) };
  }

  /** The admitted attempt has ended; neutral if it was never sent. */
  ended({ generation, probe }: Passage, outcome: Outcome): void {
    if (generation !== this.#generation) return;
    if (probe !== undefined && probe !== this.#probe) return;
    this.#endProbe();
    if (outcome === 'neutral') return;
    this.#quietSteps = 0;
    const circuit = this.#opossum();
    if (circuit.opened) {
      // It was an early probe: opossum itself lets none pass before its time.
      if (outcome === 'success') circuit.close();
      else this.#become('open');
      return;
    }
    if (outcome === 'success' && this.#state === 'closed') {
      // Counted by opossum without a promise for it: it is what nearly every call ends with.
      circuit.emit('fire');
      return;
    }
    // Answers through its events; the rejection is the failure it was told of.
    circuit.fire(outcome).catch(ignoreRejection);
  }

  /** Opens it by hand: it refuses all until `close`, and is not probed. */
  open(): void {
    if (this.#isDisposed) return;
    this.#isForced = true;
    this.#opossum().open();
    this.#become('open');
  }

  /** Closes it by hand, whatever opened it. */
  close(): void {
    if (this.#isDisposed) return;
    this.#isForced = false;
    this.#circuit?.close();
    this.#become('closed');
  }

  /** Lets one probe pass before the reset time is over: for when nothing else is left to ask. */
  allowEarlyProbe(): void {
    if (this.#state !== 'open' || this.#isForced || this.#isDisposed) return;
    this.#become('half-open');
  }

  /** Stops its timers and forgets its listeners. It counts nothing and stays as it is from then on. */
  dispose(): void {
    this.#isDisposed = true;
    this.#generation += 1;
    this.#endProbe();
    this.#rotation.delete(this.#roll);
    this.#circuit?.shutdown();
  }

  /** The circuit is made with the first outcome: most instances of a large service never see one. */
  #opossum(): CircuitBreaker<[Outcome], void> {
    this.#rotation.add(this.#roll);
    if (this.#circuit !== undefined) return this.#circuit;
    const { failures: threshold, resetMs, windowMs } = this.#settings;
    const circuit = new CircuitBreaker(report, {
      timeout: false,
      resetTimeout: resetMs,
      // opossum would count all outcomes towards its threshold; ours counts failures, see below.
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      rollingCountTimeout: windowMs,
      rollingCountBuckets: WINDOW_BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#window,
    });
    circuit.on('failure', () => {
      const { failures, fires } = circuit.stats;
      if (failures >= threshold && failures > fires / 2) circuit.open();
    });
    circuit.on('open', () => this.#become('open'));
    circuit.on('halfOpen', () => {
      if (!this.#isForced) this.#become('half-open');
    });
    circuit.on('close', () => {
      // What opened it is over: it takes as many failures as at first to open it again.
      for (let bucket = 0; bucket < WINDOW_BUCKETS; bucket += 1) this.#window.emit('rotate');
      this.#become('closed');
    });
    this.#circuit = circuit;
    return circuit;
  }

  #become(state: BreakerState): void {
    const from = this.#state;
    if (from === state) return;
    this.#state = state;
    this.#generation += 1;
    this.#passage = { generation: this.#generation, probe: undefined };
    this.#endProbe();
    this.#onChange(from, state);
  }

  /** One step of the window. One that has been empty for its whole length need not be rolled. */
  readonly #roll = (): void => {
    this.#window.emit('rotate');
    this.#quietSteps += 1;
    if (this.#quietSteps > WINDOW_BUCKETS) this.#rotation.delete(this.#roll);
  };

  #startProbe(isUnary: boolean): Probe {
    // A stream that is open for so long, and need not respond, has been accepted. A frozen instance would
    // have lost its connection by then.
    const outcome = isUnary ? 'failure' : 'success';
    const probe: Probe = {
      timer: setTimeout(
        () => this.ended({ generation: this.#generation, probe }, outcome),
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
