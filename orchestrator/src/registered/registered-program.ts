import type { Registration } from '@weft/client-sdk';
import { addressText } from '@weft/proto';
import type { Address } from '@weft/proto/registry';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { Finding } from '../slot/grpc-health.ts';
import type { Probe, Reading } from '../slot/probe.ts';
import type { HealthCheck } from './health-check.ts';

/** Longest wait for clients to route their calls elsewhere before a program is ended. */
const ACKNOWLEDGE_MS = 30_000;
/** A busy program may miss one check. It is taken out of the calls when it misses so many in a row. */
const SILENT_LOOKS = 2;

export interface RegisteredProgramOptions {
  readonly process: ManagedProcess;
  readonly address: Address;
  readonly check: HealthCheck;
  /** Begins to register the program. Called once it is healthy for the first time. */
  readonly register: () => Registration;
  /** Whether the registry is away, so that nothing can be registered now. Default: never. */
  readonly isRegistryAway?: () => boolean;
}

/**
 * A program that does not use the SDK as an instance of the mesh. It is registered when its health check
 * passes, listed as unable to serve while the check fails, and drained before it is ended: clients route their
 * calls elsewhere first. It is deregistered when it has ended.
 */
export class RegisteredProgram implements ManagedProcess, Probe {
  readonly pid: number | undefined;
  readonly isFinal: boolean | undefined;
  /** Resolves when the program has ended and is deregistered. */
  readonly exited: Promise<string>;
  readonly #options: RegisteredProgramOptions;
  #registration: Registration | undefined;
  #silentLooks = 0;
  #graceMs: number | undefined;
  #hasLeft = false;
  #hasEnded = false;

  constructor(options: RegisteredProgramOptions) {
    const { process, check } = options;
    this.#options = options;
    this.pid = process.pid;
    this.isFinal = process.isFinal;
    this.exited = process.exited.then(async (reason) => {
      this.#hasEnded = true;
      check.close();
      await this.#registration?.close();
      return reason;
    });
  }

  async read(timeoutMs: number): Promise<Reading> {
    const { address, check, isRegistryAway } = this.#options;
    const finding = await check.look(timeoutMs);
    this.#observe(finding);
    const isHealthy = finding === 'serving';
    return {
      address: addressText(address),
      isHealthy,
      isReady: isHealthy && this.#registration?.isRegistered === true,
      isSilent: finding === 'silent',
      lacks: isHealthy ? 'the registry does not list it yet' : `no success of ${check.what}`,
      isExcused: isHealthy && isRegistryAway?.() === true,
    };
  }

  close(): void {
    this.#options.check.close();
  }

  /**
   * Takes the program out of the calls, then sends SIGTERM, and SIGKILL after `graceMs`. May be called again with
   * less; 0 kills it at once.
   */
  terminate(graceMs: number): void {
    const isFirst = this.#graceMs === undefined;
    this.#graceMs = Math.min(graceMs, this.#graceMs ?? graceMs);
    if (graceMs === 0 || this.#hasLeft) this.#options.process.terminate(this.#graceMs);
    else if (isFirst) void this.#drain(Math.min(graceMs, ACKNOWLEDGE_MS));
  }

  async #drain(acknowledgeMs: number): Promise<void> {
    await this.#registration?.leave(acknowledgeMs);
    this.#hasLeft = true;
    this.#options.process.terminate(this.#graceMs ?? 0);
  }

  #observe(finding: Finding): void {
    if (this.#hasEnded || this.#graceMs !== undefined) return;
    this.#silentLooks = finding === 'silent' ? this.#silentLooks + 1 : 0;
    if (finding === 'serving') this.#registration ??= this.#options.register();
    const isServing = finding === 'serving';
    if (isServing || finding === 'refusing' || this.#silentLooks >= SILENT_LOOKS) {
      void this.#registration?.setServing(isServing);
    }
  }
}
