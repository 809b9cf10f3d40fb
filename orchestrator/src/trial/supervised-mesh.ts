import { setTimeout as sleep } from 'node:timers/promises';
import type { Mesh } from '@weft/client-sdk';
import { messageOf } from '@weft/proto';
import { OrchestratorError } from '../errors.ts';
import { callFailure } from '../output/call-error.ts';
import { addressOf, createHealthCheck } from '../registered/health-check.ts';
import type { SlotGroup } from '../slot/slot-group.ts';
import type { Supervisor } from '../supervisor.ts';
import type { ServiceSpec, TrialCall } from '../topology/topology.ts';
import type { TrialMesh } from './trial-mesh.ts';

const HEALTH_TIMEOUT_MS = 5000;
const POLL_MS = 50;

/** A mesh of real processes, one for each service. */
export class SupervisedMesh implements TrialMesh {
  readonly #supervisor: Supervisor;
  readonly #services: readonly ServiceSpec[];
  readonly #mesh: Mesh;

  /** @param mesh takes part in the mesh of `supervisor`, and calls */
  constructor(supervisor: Supervisor, services: readonly ServiceSpec[], mesh: Mesh) {
    this.#supervisor = supervisor;
    this.#services = services;
    this.#mesh = mesh;
  }

  async start(service: string): Promise<string | undefined> {
    const { startTimeoutMs } = this.#spec(service).health;
    const timer = new AbortController();
    const tooLong = sleep(
      startTimeoutMs,
      `it is not healthy within ${startTimeoutMs / 1000} s`,
      timer,
    ).catch(() => undefined);
    const started = this.#group(service)
      .scale(1)
      .then(() => undefined, messageOf);
    const problem = await Promise.race([started, tooLong]);
    timer.abort();
    return problem;
  }

  async settle(service: string): Promise<void> {
    const { startTimeoutMs } = this.#spec(service).health;
    const endMs = performance.now() + startTimeoutMs;
    while (this.#slot(service)?.state.kind !== 'running') {
      if (performance.now() > endMs) {
        throw new OrchestratorError(
          `${service} does not start with everything up either: ${this.#slot(service)?.lastExit}`,
        );
      }
      await sleep(POLL_MS);
    }
  }

  stop(service: string): Promise<void> {
    return this.#group(service).scale(0);
  }

  async isHealthy(service: string): Promise<boolean> {
    const address = addressOf(this.#slot(service)?.address ?? '');
    if (address === undefined) return false;
    const check = createHealthCheck(this.#spec(service).health, address);
    try {
      return (await check.look(HEALTH_TIMEOUT_MS)) === 'serving';
    } finally {
      check.close();
    }
  }

  runOf(service: string): string {
    return this.#slot(service)?.instanceId ?? '';
  }

  async call(service: string, { call, request }: TrialCall): Promise<string> {
    try {
      await this.#mesh.call(service, call, request);
      return 'OK';
    } catch (error) {
      return callFailure(error).code;
    }
  }

  #spec(service: string): ServiceSpec {
    return found(this.#services.find(({ name }) => name === service));
  }

  #group(service: string): SlotGroup {
    return found(this.#supervisor.group(service));
  }

  #slot(service: string) {
    return this.#group(service).slots[0];
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new OrchestratorError('the mesh of the trial was stopped');
  return value;
}
