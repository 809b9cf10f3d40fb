import { freePort } from '../../../orchestrator/src/process/ports.ts';
import type { ArmSpec } from '../arms/caller.ts';
import type { Sample } from '../harness/open-loop.ts';
import type { Worker } from '../harness/processes.ts';
import type { Stage } from '../harness/stage.ts';

export const SERVICE = 'bench-failover';
const DELAY_MS = 5;
export const PER_SECOND = 300;
const WRITE_SHARE = 1 / 3;
/** What runs undisturbed before, in ms. */
export const CALM_MS = 400;

/** An instance in a process of its own, and one loaded to take its place at the same port. */
interface Slot {
  readonly id: string;
  readonly port: number;
  worker: Worker;
  spare: Worker;
}

/** Three instances that can be killed, frozen and restarted, and clients that call them all the while. */
export class FailoverStage {
  readonly stage: Stage;
  readonly #slots: Slot[] = [];
  readonly #clients = new Map<string, { client: Worker; spec: ArmSpec }>();

  constructor(stage: Stage) {
    this.stage = stage;
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  get addresses(): string[] {
    return this.#slots.map(({ port }) => `127.0.0.1:${port}`);
  }

  async open(arms: (addresses: readonly string[]) => Readonly<Record<string, ArmSpec>>) {
    for (const id of ['a', 'b', 'c']) {
      const [worker, spare] = [this.stage.server(), this.stage.server()];
      const slot = { id, port: await freePort('127.0.0.1'), worker, spare };
      await this.#serve(slot);
      this.#slots.push(slot);
    }
    for (const [name, spec] of Object.entries(arms(this.addresses))) {
      const client = await this.stage.client({ tellsRetries: true, ...spec });
      this.#clients.set(name, { client, spec });
    }
  }

  async #serve({ id, port, worker }: Slot): Promise<void> {
    await this.stage.serve(worker, { service: SERVICE, id, port, delayMs: DELAY_MS });
  }

  /** Puts the spare in the place of what has ended, and loads the next. */
  async replace(slot: Slot): Promise<void> {
    await slot.worker.end();
    slot.worker = slot.spare;
    await this.#serve(slot);
    slot.spare = this.stage.server();
  }

  /** All clients begin anew, and all call until their connections are there. */
  async settle(changes: (name: string) => Partial<ArmSpec> = () => ({})): Promise<void> {
    await Promise.all(this.#slots.map(({ spare }) => spare.ask('takeAttempts')));
    await Promise.all(
      [...this.#clients].map(async ([name, { client, spec }]) => {
        await this.stage.reopen(client, { tellsRetries: true, ...spec, ...changes(name) });
      }),
    );
  }

  /** Runs the same calls through every client at once, `disturb` amid them. Answers both. */
  async during<T>(
    { ms, seed, arms }: { ms: number; seed: number; arms: readonly string[] },
    disturb: () => Promise<T>,
  ): Promise<{ samples: ReadonlyMap<string, Sample[]>; disturbance: T }> {
    const loop = { perSecond: PER_SECOND, ms: CALM_MS + ms, seed, writeShare: WRITE_SHARE };
    const running = arms.map(async (name): Promise<[string, Sample[]]> => {
      const { client } = this.#clients.get(name) as { client: Worker };
      return [name, await client.ask<Sample[]>('openLoop', loop)];
    });
    const disturbance = new Promise((resolve) => setTimeout(resolve, CALM_MS)).then(disturb);
    const [samples, result] = await Promise.all([Promise.all(running), disturbance]);
    return { samples: new Map(samples), disturbance: result };
  }

  /** Runs a few calls that nobody looks at. */
  async warmUp(arms: readonly string[]): Promise<void> {
    await this.during({ ms: 0, seed: 1, arms }, async () => {});
  }
}
