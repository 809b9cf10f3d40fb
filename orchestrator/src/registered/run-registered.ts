import { setTimeout as sleep } from 'node:timers/promises';
import { createMesh } from '@weft/client-sdk';
import { addressText, type Log, silentLog } from '@weft/proto';
import type { Address } from '@weft/proto/registry';
import { type AttachedProcess, startAttached } from '../process/attached.ts';
import type { Program } from '../process/child.ts';
import { createHealthCheck, type HealthCheck, type HealthMethod } from './health-check.ts';
import { RegisteredProgram } from './registered-program.ts';
import { programFor, registrationOptions } from './registration-options.ts';

const STARTING_INTERVAL_MS = 100;
const INTERVAL_MS = 2000;
const TIMEOUT_MS = 1000;
/** After so long without a check that passed, the user is told. */
const PATIENCE_MS = 30_000;

export interface RunOptions {
  /** Name of the service. */
  readonly service: string;
  /** Where it listens, and is checked. */
  readonly address: Address;
  /** Where others reach it. */
  readonly advertised: Address;
  readonly health: HealthMethod;
  readonly id: string;
  /** Addresses of registries, `host:port` with commas between. */
  readonly registry: string;
  readonly program: Program;
  /** Between SIGTERM and SIGKILL, in ms. */
  readonly stopTimeoutMs: number;
  /** Called with a sentence for what happens. */
  readonly onNews: (text: string) => void;
}

/** A program in the foreground, registered while it is healthy. */
export class RegisteredRun {
  readonly #options: RunOptions;
  readonly #attached: AttachedProcess;
  readonly #check: HealthCheck;
  readonly #registered: RegisteredProgram;
  readonly #mesh: ReturnType<typeof createMesh>;
  readonly #ended = new AbortController();
  #isStopping = false;

  /**
   * Starts the program.
   * @throws WeftError if `registry` holds no addresses; OrchestratorError if there is no such program
   */
  constructor(options: RunOptions) {
    const { service: name, address, advertised, health, id, registry, program } = options;
    this.#options = options;
    this.#mesh = createMesh({ registry, telemetry: false, log: newsLog(options.onNews) });
    this.#check = createHealthCheck(health, address);
    // The program starts last: if anything before it throws, nobody would end the program.
    this.#attached = startAttached(programFor(program, address.port), options.stopTimeoutMs);
    this.#registered = new RegisteredProgram({
      process: this.#attached,
      address,
      check: this.#check,
      register: () =>
        this.#mesh.register({ ...registrationOptions(health.type, advertised), name, id }),
    });
  }

  /** Resolves when the program has ended and is deregistered. @returns its exit code, 128 + n after signal n */
  async run(): Promise<number> {
    const watching = this.#watch();
    const reason = await this.#registered.exited;
    this.#ended.abort();
    await watching;
    this.#mesh.close();
    this.#options.onNews(`${this.#options.service} has ended (${reason})`);
    const { code, isBySigterm } = this.#attached.end();
    // That is how many programs end that were asked to.
    return this.#isStopping && isBySigterm ? 0 : code;
  }

  /** Drains the program and ends it; at once with `graceMs` 0. */
  async stop(graceMs = this.#options.stopTimeoutMs): Promise<void> {
    this.#isStopping = true;
    this.#registered.terminate(graceMs);
    await this.#registered.exited;
  }

  async #watch(): Promise<void> {
    const { service, advertised, onNews } = this.#options;
    const { signal } = this.#ended;
    const startedMs = performance.now();
    let isListed = false;
    let isLate = false;
    let wasHealthy = true;
    while (!signal.aborted) {
      const { isHealthy, isReady } = await this.#registered.read(TIMEOUT_MS);
      if (signal.aborted) return;
      if (isReady && !isListed) {
        isListed = true;
        onNews(`${service} is registered at ${addressText(advertised)}`);
      }
      if (isListed && isHealthy !== wasHealthy) {
        onNews(
          `${service} ${isHealthy ? 'passes its health check again' : 'fails its health check'}`,
        );
      }
      wasHealthy = isHealthy;
      if (!isListed && !isLate && performance.now() - startedMs > PATIENCE_MS) {
        isLate = true;
        const what = isHealthy
          ? 'the registry does not list it'
          : `its health check fails (${this.#check.what})`;
        onNews(`${service} is not registered after ${PATIENCE_MS / 1000} s: ${what}; trying on`);
      }
      await sleep(isListed ? INTERVAL_MS : STARTING_INTERVAL_MS, undefined, { signal }).catch(
        () => {},
      );
    }
  }
}

/** A log that tells the user of each trouble with the registry once. */
function newsLog(onNews: (text: string) => void): Log {
  let last = '';
  return {
    ...silentLog,
    warn(fields, message) {
      const { error = '', registry = '' } = fields as { error?: string; registry?: string };
      const text = [registry, message, error].filter(Boolean).join(': ');
      if (text !== last) onNews(text);
      last = text;
    },
  };
}
