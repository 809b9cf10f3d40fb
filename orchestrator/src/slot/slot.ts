import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { logExcerpt } from '../output/log-excerpt.ts';
import { lastLines, readLog } from '../process/log-file.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { StartedProcess } from '../state-file.ts';
import type { Probe, Reading } from './probe.ts';
import { type SlotEvent, type SlotState, transition } from './slot-state.ts';

/** Between two looks at a process that is not ready yet. */
const STARTING_INTERVAL_MS = 100;
/** So many looks in a row must be in vain before a process hangs: we may have been held up ourselves. */
const SILENT_LOOKS = 3;
/** Between SIGTERM and SIGKILL for a process that hangs. */
const HUNG_GRACE_MS = 5000;
/** A process that ended this often before it was ever healthy is given up by who waits for it. */
const START_ATTEMPTS = 3;

/** One run of the slot's program. */
export interface Launched {
  readonly process: ManagedProcess;
  readonly probe: Probe;
  /** Id it registers under; empty for one that does not. */
  readonly instanceId: string;
  /** Port that it was given, where an orchestrator that takes it over cannot know it otherwise. */
  readonly port?: number | undefined;
  /** What an orchestrator before this one recorded of it, where it ran already and was taken over. */
  readonly adopted?: StartedProcess | undefined;
}

export interface SlotOptions {
  /** Such as "user-service-1". */
  readonly name: string;
  readonly logFile: string;
  /** Of its program; see `specificationOf`. */
  readonly specification: string;
  readonly health: {
    readonly intervalMs: number;
    readonly timeoutMs: number;
    readonly startTimeoutMs: number;
    /** How long a running process may give no answer before it is ended and started again; 0: for ever. */
    readonly restartAfterMs: number;
  };
  /** After how long a process that is not ready is first reported; each time, the time doubles. Default 5000. */
  readonly firstReportMs?: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopTimeoutMs: number;
  /** Starts the program once more, or takes over what runs. An error counts as an end of the program. */
  readonly launch: () => Launched | Promise<Launched>;
  /** Told after every change of state. */
  readonly onChange: (slot: Slot) => void;
  /** Told when a process has ended, before the next one starts. */
  readonly onEnd?: (instanceId: string) => void;
}

const nothing: Reading = {
  address: '',
  isHealthy: false,
  isReady: false,
  isExcused: false,
  isSilent: true,
};

/** Keeps one process running: starts it, watches its health, starts it again with backoff. */
export class Slot {
  readonly name: string;
  readonly logFile: string;
  readonly specification: string;
  readonly #options: SlotOptions;
  #state: SlotState = { kind: 'stopped', sinceMs: performance.now() };
  #changed = Promise.withResolvers<void>();
  #launched: Launched | undefined;
  #reading = nothing;
  #startTime: Date | undefined;
  #starts = 0;
  #lastExit = '';
  #endedFor: string | undefined;
  /** Where the log stood when its process started. */
  #logStart = 0;
  #reportedLateMs = 0;
  #stopGraceMs = Infinity;
  #backoffTimer: NodeJS.Timeout | undefined;

  constructor(options: SlotOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.specification = options.specification;
    this.#options = options;
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Its process id, while it has one. */
  get pid(): number | undefined {
    return this.#startTime === undefined ? undefined : this.#launched?.process.pid;
  }

  /** Where it listens; empty when not known. */
  get address(): string {
    return this.#reading.address;
  }

  /** Whether the last look at it found it healthy. */
  get isHealthy(): boolean {
    return this.#reading.isHealthy;
  }

  /** Id its process registers under; empty for none. */
  get instanceId(): string {
    return this.#startTime === undefined ? '' : (this.#launched?.instanceId ?? '');
  }

  /** Port that its process was given; undefined where that is known otherwise. */
  get port(): number | undefined {
    return this.#startTime === undefined ? undefined : this.#launched?.port;
  }

  /** When its process started, while it has one. */
  get startTime(): Date | undefined {
    return this.#startTime;
  }

  /** Whether its process was started by an orchestrator before this one. */
  get isAdopted(): boolean {
    return this.#launched?.adopted !== undefined;
  }

  /** How often it was started again after it ended by itself. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /** Whether it was the slot that ended its last process, as that was not healthy. */
  get wasEnded(): boolean {
    return this.#endedFor !== undefined;
  }

  /** How long its process has not been ready, rounded down to the last report, in ms; 0 before the first report. */
  get lateMs(): number {
    return this.#state.kind === 'starting' ? this.#reportedLateMs : 0;
  }

  /** What its process lacks to be ready, as a clause; empty when that is not known. */
  get lacks(): string {
    return this.#reading.lacks ?? '';
  }

  /** The last line that its process wrote; empty when it wrote none. */
  get lastLine(): string {
    return lastLines(this.logFile, 1, this.#logStart)[0] ?? '';
  }

  /** Why its process last ended; empty when none did. */
  get lastExit(): string {
    return this.#lastExit;
  }

  start(): void {
    this.#apply('start_requested');
  }

  /**
   * Resolves when its process has been healthy.
   * @param attempts How many processes may end by themselves, one after the other, before it gives up. Default 3.
   * @throws OrchestratorError when it is stopped, when its program cannot be run, or when it ended again and again
   * and never was healthy.
   */
  async healthy(attempts = START_ATTEMPTS): Promise<void> {
    for (;;) {
      const state = this.#state;
      if (state.kind === 'running') return;
      if (state.kind === 'stopped' || state.kind === 'stopping') {
        throw new OrchestratorError(`${this.name} was stopped before it was healthy`);
      }
      const isFinal = this.#launched?.process.isFinal === true;
      if (state.kind === 'backoff' && (isFinal || state.failures >= attempts)) {
        throw this.#startError(isFinal ? 0 : state.failures);
      }
      await this.#changed.promise;
    }
  }

  /** Ends its process for good; resolves when it has ended. May be called again with a shorter grace. */
  async stop(graceMs = this.#options.stopTimeoutMs): Promise<void> {
    this.#stopGraceMs = Math.min(graceMs, this.#stopGraceMs);
    this.#apply('stop_requested');
    if (this.#state.kind === 'stopping') this.#launched?.process.terminate(graceMs);
    while (this.#state.kind === 'stopping') await this.#changed.promise;
  }

  /** Ends its process at once, for a reason outside of the process. The next one starts with backoff. */
  endProcess(reason: string): void {
    this.#endedFor ??= reason;
    this.#launched?.process.terminate(0);
  }

  /** @param failures How many processes ended; 0 if the program cannot be run. */
  #startError(failures: number): OrchestratorError {
    if (failures === 0)
      return new OrchestratorError(`${this.name} does not start: ${this.#lastExit}`);
    const excerpt = logExcerpt(this.logFile, this.#logStart);
    const log = excerpt === '' ? '' : `. The end of ${this.logFile}:\n${excerpt}`;
    return new OrchestratorError(
      `${this.name} does not start: tried ${failures === 1 ? 'once' : `${failures} times`}, last ${this.#lastExit}${log}`,
    );
  }

  #apply(event: SlotEvent): void {
    const circumstances = { nowMs: performance.now(), random: Math.random() };
    const next = transition(this.#state, event, circumstances);
    if (next === this.#state) return;
    this.#state = next;
    clearTimeout(this.#backoffTimer);
    if (next.kind === 'starting') void this.#launch();
    if (next.kind === 'backoff') {
      this.#backoffTimer = setTimeout(() => this.#apply('backoff_elapsed'), next.waitMs);
    }
    this.#announce();
  }

  #announce(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
    this.#options.onChange(this);
  }

  async #launch(): Promise<void> {
    this.#logStart = readLog(this.logFile, 0, 0).end;
    this.#reportedLateMs = 0;
    this.#launched = undefined;
    this.#starts += 1;
    this.#endedFor = undefined;
    try {
      this.#follow(await this.#options.launch());
    } catch (error) {
      this.#lastExit = `could not be started (${messageOf(error)})`;
      this.#apply('exited');
    }
  }

  #follow(launched: Launched): void {
    const ended = new AbortController();
    this.#launched = launched;
    this.#startTime = new Date(launched.adopted?.startTimeMs ?? Date.now());
    launched.process.exited.then((reason) => {
      ended.abort();
      launched.probe.close();
      this.#startTime = undefined;
      this.#reading = nothing;
      this.#lastExit = this.#endedFor ?? reason;
      this.#options.onEnd?.(launched.instanceId);
      this.#apply('exited');
    });
    // It was stopped before there was a process to end.
    if (this.#state.kind === 'stopping') launched.process.terminate(this.#stopGraceMs);
    this.#announce();
    void this.#watch(launched, ended.signal);
  }

  #endIfHung(
    process: ManagedProcess,
    { sinceMs, looks }: { sinceMs: number; looks: number },
  ): void {
    const { restartAfterMs } = this.#options.health;
    if (this.#state.kind !== 'running' || restartAfterMs === 0 || looks < SILENT_LOOKS) return;
    if (performance.now() - sinceMs < restartAfterMs || this.#endedFor !== undefined) return;
    this.#endedFor = `did not answer for ${restartAfterMs / 1000} s`;
    process.terminate(Math.min(this.#options.stopTimeoutMs, HUNG_GRACE_MS));
  }

  /** Announces from time to time that a process is not ready yet. */
  #reportLate(forMs: number): void {
    const { firstReportMs = 5000 } = this.#options;
    const nextMs = this.#reportedLateMs === 0 ? firstReportMs : 2 * this.#reportedLateMs;
    if (forMs < nextMs) return;
    this.#reportedLateMs = nextMs;
    this.#announce();
  }

  /** Looks at one process until it ends. */
  async #watch({ process, probe }: Launched, ended: AbortSignal): Promise<void> {
    const { intervalMs, timeoutMs, startTimeoutMs } = this.#options.health;
    let deadlineMs = performance.now() + startTimeoutMs;
    let silence = { sinceMs: 0, looks: 0 };
    while (!ended.aborted) {
      const lookMs = performance.now();
      const reading = await probe.read(timeoutMs);
      if (ended.aborted) return;
      const isNews =
        reading.isHealthy !== this.#reading.isHealthy || reading.address !== this.#reading.address;
      this.#reading = reading;
      if (this.#state.kind === 'starting') {
        const nowMs = performance.now();
        if (reading.isExcused) deadlineMs = nowMs + startTimeoutMs;
        if (reading.isReady) {
          this.#apply('became_healthy');
        } else if (nowMs > deadlineMs && this.#endedFor === undefined) {
          const why = reading.lacks ? `: ${reading.lacks}` : '';
          this.#endedFor = `not healthy within ${startTimeoutMs / 1000} s of its start${why}`;
          process.terminate(this.#options.stopTimeoutMs);
        } else {
          this.#reportLate(nowMs - this.#state.sinceMs);
        }
      } else if (isNews) {
        this.#announce();
      }
      const sinceMs = silence.looks === 0 ? lookMs : silence.sinceMs;
      silence = { sinceMs, looks: reading.isSilent ? silence.looks + 1 : 0 };
      this.#endIfHung(process, silence);
      const pauseMs = this.#state.kind === 'starting' ? STARTING_INTERVAL_MS : intervalMs;
      await sleep(pauseMs, undefined, { signal: ended }).catch(() => {});
    }
  }
}
