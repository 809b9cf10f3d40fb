import { createMesh, type Mesh } from '@weft/client-sdk';
import { GrpcServer, pause, route, ServingStatus } from '@weft/proto';
import { UserServiceDefinition } from '@weft/proto/user';
import type { Replica } from '../cluster/replica.ts';
import type { DrainRecord } from '../history.ts';
import type { Recorder } from '../recorder.ts';

const SERVICE = 'drained';
const HOST = '127.0.0.1';
const CLIENTS = 5;
/** Instances that are there at a time. */
const SLOTS = 3;
/** Longer than any run, in ms: the instance leaves when the faults have ended. */
const TO_THE_END_MS = 24 * 3_600_000;
/** Between two calls of a client. */
const CALL_MS = 100;
/** How long calls are looked for after a drain. */
const LATE_MS = 3000;
/** A drain that takes so long was given up, or no registry could say who calls: it promises nothing. */
const GIVEN_UP_MS = 20_000;

export interface DrainPartyOptions {
  readonly replicas: readonly Replica[];
  readonly recorder: Recorder;
  readonly random: () => number;
}

/**
 * A service whose instances come and leave, three at a time, and clients that call it all the time. No client
 * may send a call to an instance after its drain has ended. Faults in quick succession can keep every drain
 * waiting until it is given up. So the first instance stays until the faults have ended, and each run has a drain.
 */
export class DrainParty {
  readonly #options: DrainPartyOptions;
  readonly #addresses: string[];
  readonly #calmer = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: DrainPartyOptions) {
    this.#options = options;
    this.#addresses = options.replicas.map(({ address }) => address);
    this.#running = this.#run();
  }

  /** From now on no instance comes; those that are there leave. */
  calm(): void {
    this.#calmer.abort();
  }

  async close(): Promise<void> {
    this.calm();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    const host = createMesh({ registry: this.#addresses });
    const clients = Array.from({ length: CLIENTS }, () =>
      createMesh({ registry: this.#addresses }),
    );
    const timers = clients.map((mesh) => this.#callSteadily(mesh));
    const slots = Array.from({ length: SLOTS }, async (_, slot) => {
      for (let count = 0; !this.#calmer.signal.aborted; count += 1) {
        const stayMs = slot === 0 ? TO_THE_END_MS : 500 + 2000 * random();
        await this.#comeAndLeave(host, `d${slot}-${count}`, stayMs);
      }
    });
    await Promise.all(slots);
    for (const timer of timers) clearInterval(timer);
    for (const mesh of [...clients, host]) mesh.close();
  }

  /** Each call names the time at which it is made. */
  #callSteadily(mesh: Mesh): NodeJS.Timeout {
    const { recorder } = this.#options;
    const users = mesh.client(UserServiceDefinition, { service: SERVICE });
    return setInterval(() => {
      users.getUser({ id: `${recorder.nowMs}` }).catch(() => {});
    }, CALL_MS);
  }

  async #comeAndLeave(mesh: Mesh, id: string, stayMs: number): Promise<void> {
    const { recorder } = this.#options;
    const calledAtMs: number[] = [];
    const answer = async ({ id: sentAt }: { id: string }) => {
      calledAtMs.push(Number(sentAt));
      return { user: { id: sentAt, name: id, email: '' } };
    };
    const server = new GrpcServer({
      routes: [
        route(UserServiceDefinition, {
          getUser: answer,
          createUser: async () => ({}),
          listUsers: async () => ({}),
        }),
      ],
    });
    const port = await server.listen(`${HOST}:0`);
    server.health.setAll(ServingStatus.SERVING);
    const times = { acknowledgeMs: GIVEN_UP_MS, settleMs: GIVEN_UP_MS };
    const registration = mesh.register({ name: SERVICE, id, host: HOST, port, ...times });
    await registration.registered();
    await pause(stayMs, this.#calmer.signal);
    const startedAtMs = recorder.nowMs;
    await registration.leave();
    const endedAtMs = recorder.nowMs;
    const calls = calledAtMs.length;
    await pause(LATE_MS, new AbortController().signal);
    if (endedAtMs - startedAtMs < GIVEN_UP_MS) {
      const lateAtMs = calledAtMs.filter((atMs) => atMs > endedAtMs);
      const drain: DrainRecord = {
        key: `${SERVICE}/${id}`,
        startedAtMs,
        endedAtMs,
        calls,
        lateAtMs,
      };
      recorder.drains.push(drain);
    }
    await registration.close();
    await server.close(0);
  }
}
